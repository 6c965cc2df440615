// The claims about Exact Match: `evidence/bets.py`, `evidence/exact_match.py` and `evidence/strata.py`.

const PROMOTE = 1;
const HARM = -1;
const CAP = 0.9;
const YOUNG_ANSWERS = 2000;
const NEAR = 1.5;
const VARIANCE_ANSWERS = 200;
const RATIO_ANSWERS = 20;
const FIRST_GUESS = { match: 0.8 * 20, scored: 20 };

const SIZES = Array.from({ length: 12 }, (_, index) => 2 ** ((index - 3) / 2));
const PROMOTE_GRID = weightedGrid(
  SIZES,
  [0.04, 0.128, 0.128, 0.319, 0.16, 0.08, 0.04, 0.038, 0.027, 0.019, 0.013, 0.009],
);
const HARM_GRID = weightedGrid(
  SIZES,
  [0.052, 0.091, 0.158, 0.275, 0.158, 0.091, 0.052, 0.044, 0.031, 0.022, 0.016, 0.011],
);

const within = (value, low, high) => Math.min(Math.max(value, low), high);

/** Rates of the baseline and of the candidate on the edge of the null hypothesis. */
function guessedRates(guess, margin) {
  const edge = Math.min(1e-4, (1 - margin) / 4);
  const rateB = within(guess, margin + edge, 1 - edge);
  return [rateB, rateB - margin];
}

const rateOf = (guess) => guess.match / guess.scored;

/** A guess with one more look: on the edge of the null a candidate's answer is worth `margin` less. */
function learn(guess, [scoredB, matchB], [scoredC, matchC], margin) {
  return { match: guess.match + matchB + matchC + margin * scoredC, scored: guess.scored + scoredB + scoredC };
}

function answerVariance(guess, margin, ratio) {
  const [rateB, rateC] = guessedRates(guess, margin);
  return rateC * (1 - rateC) + ratio * rateB * (1 - rateB);
}

/** The stake with which the dearest answer of these rows costs the share CAP of the capital. */
function largestStake(rows, margin, side) {
  const dearest = rows.map(({ baseline, candidate, guess }) => {
    const [rateB, rateC] = guessedRates(guess, margin);
    const ratio = candidate[0] / baseline[0];
    return side > 0 ? Math.max(rateC, ratio * (1 - rateB)) : Math.max(1 - rateC, ratio * rateB);
  });
  return CAP / Math.max(...dearest);
}

/** log e-value of the answers of one class for each of the candidate's stakes. */
function logEAtStakes({ baseline, candidate, guess }, margin, side, stakes) {
  const [[scoredB, matchB], [scoredC, matchC]] = [baseline, candidate];
  const [rateB, rateC] = guessedRates(guess, margin);
  const ratio = scoredC / scoredB;
  return stakes.map((stake) => {
    const stakeC = side * stake;
    const stakeB = -ratio * stakeC;
    return (
      matchC * Math.log1p(stakeC * (1 - rateC)) +
      (scoredC - matchC) * Math.log1p(-stakeC * rateC) +
      matchB * Math.log1p(stakeB * (1 - rateB)) +
      (scoredB - matchB) * Math.log1p(-stakeB * rateB)
    );
  });
}

/** log e-value of one look for every true gap, with a stake that follows the look's own mix of classes. */
function lookLogE(rows, margin, side, gaps) {
  const total = sumBy(rows, (row) => row.candidate[0]);
  const variance = sumBy(
    rows,
    (row) => (row.candidate[0] / total) * answerVariance(row.guess, margin, row.candidate[0] / row.baseline[0]),
  );
  const largest = largestStake(rows, margin, side);
  const stakes = gaps.map((gap) => Math.min(gap / variance, largest));
  const byClass = rows.map((row) => logEAtStakes(row, margin, side, stakes));
  return gaps.map((_, bet) => sumBy(byClass, (each) => each[bet]));
}

/** A process on the mean of Exact Match before any look. By classes where there are some. */
function startExactMatch(margin, side) {
  return {
    margin, side, grid: side > 0 ? PROMOTE_GRID : HARM_GRID, logCapital: SIZES.map(() => 0), guess: FIRST_GUESS,
    guesses: {}, answered: [0, 0], logE: 0, logEMax: 0,
  };
}

const gainsAdded = (logCapital, gains, byLook) => logCapital.map((each, bet) => each + gains[bet] / byLook);

/** After one more look of pooled answers; byLook: divides the look's own evidence, under version 1 of the engine. */
function advancePooled(process, baseline, candidate, seed, risk, byLook, discount) {
  const fine = process.guess.scored < YOUNG_ANSWERS || process.logE >= -Math.log(risk) - NEAR;
  const parts = fine ? dealt(baseline, candidate, pythonRandom(seed), MOST_PARTS) : [[baseline, candidate]];
  const { margin, side, grid } = process;
  const gaps = grid.sizes.map((size) => margin * size);
  let { logCapital, guess, logE, logEMax } = process;
  for (const [partB, partC] of parts) {
    if (!partB[0] || !partC[0]) continue;
    const gains = lookLogE([{ baseline: partB, candidate: partC, guess: rateOf(guess) }], margin, side, gaps);
    logCapital = gainsAdded(logCapital, gains, byLook);
    logE = countedLogE(discount, logMixture(readCapital(discount, logCapital), grid.logWeights));
    logEMax = largestProven(discount, logEMax, logE);
    guess = learn(guess, partB, partC, margin);
  }
  return { ...process, logCapital, guess, logE, logEMax };
}

/** What an answer of the candidate adds to the variance, as all looks so far have it; share: null where nobody knows. */
function runningVariance(process, share) {
  const [scoredB, scoredC] = process.answered;
  const ratio = share === null ? (scoredC + RATIO_ANSWERS) / (scoredB + RATIO_ANSWERS) : share / (100 - share);
  let total = VARIANCE_ANSWERS * 0.25 * (1 + ratio);
  let weight = VARIANCE_ANSWERS;
  for (const name of sortedNames(Object.keys(process.guesses))) {
    const guess = process.guesses[name];
    const answers = guess.scored - FIRST_GUESS.scored;
    total += answers * answerVariance(rateOf(guess), process.margin, ratio);
    weight += answers;
  }
  return total / weight;
}

/** After one more look of answers by query class. */
function advanceByClass(process, classes, seed, risk, byLook, share, discount) {
  const fine = sum(process.answered) < YOUNG_ANSWERS || process.logE >= -Math.log(risk) - NEAR;
  const { margin, side, grid } = process;
  const variance = runningVariance(process, share);
  const guesses = { ...process.guesses };
  const guessOf = (name) => guesses[name] ?? FIRST_GUESS;
  let { logCapital, logE, logEMax } = process;
  let [scoredB, scoredC] = process.answered;
  for (const parts of fine ? inRounds(classes, seed) : inOneRound(classes)) {
    const rows = parts.map((part) => ({ ...part, guess: rateOf(guessOf(part.name)) }));
    const largest = largestStake(rows, margin, side);
    const stakes = grid.sizes.map((size) => Math.min((margin * size) / variance, largest));
    for (const row of rows) {
      logCapital = gainsAdded(logCapital, logEAtStakes(row, margin, side, stakes), byLook);
      guesses[row.name] = learn(guessOf(row.name), row.baseline, row.candidate, margin);
      scoredB += row.baseline[0];
      scoredC += row.candidate[0];
    }
    logE = countedLogE(discount, logMixture(readCapital(discount, logCapital), grid.logWeights));
    logEMax = largestProven(discount, logEMax, logE);
  }
  return { ...process, logCapital, guesses, answered: [scoredB, scoredC], logE, logEMax };
}

/** The same as version 1 of the engine did it: the whole look, with a stake that follows its own mix of classes. */
function advanceByOwnMix(process, classes, byLook) {
  const { margin, side, grid } = process;
  const guesses = { ...process.guesses };
  const guessOf = (name) => guesses[name] ?? FIRST_GUESS;
  const rows = inOneRound(classes)[0].map((part) => ({ ...part, guess: rateOf(guessOf(part.name)) }));
  const gains = lookLogE(rows, margin, side, grid.sizes.map((size) => margin * size));
  const logCapital = gainsAdded(process.logCapital, gains, byLook);
  for (const row of rows) guesses[row.name] = learn(guessOf(row.name), row.baseline, row.candidate, margin);
  const logE = logMixture(logCapital, grid.logWeights);
  return { ...process, logCapital, guesses, logE, logEMax: Math.max(process.logEMax, logE) };
}
