// The interval for Exact Match on answers: `evidence/effect_bounds.py`, and `evidence/intervals.py` of version 1.

const EFFECT_GRID = (() => {
  const everySecond = (values) => values.filter((_, index) => index % 2 === 1);
  return weightedGrid(everySecond(PROMOTE_GRID.sizes), everySecond(PROMOTE_GRID.logWeights).map(Math.exp));
})();
const LARGEST_EFFECT_STAKE = 0.5;
const NEWTON_STEPS = 40;
const NO_ANSWERS = [0, 0];

function startEffect(margin) {
  const zeros = EFFECT_GRID.sizes.map(() => 0);
  return { margin, classes: {}, difference: zeros, answers: zeros, spread: zeros };
}

const effectRate = ([scored, match]) => (match + 0.8 * 20) / (scored + 20);
const squaresFrom = ([scored, match], centre) => match * (1 - centre) ** 2 + (scored - match) * centre * centre;

function effectVariance(sums, share) {
  const totals = sortedNames(Object.keys(sums.classes)).map((name) => sums.classes[name]);
  const scored = (arm) => sumBy(totals, (each) => each[arm][0]);
  const ratio = share === null ? (scored(1) + 20) / (scored(0) + 20) : share / (100 - share);
  let [total, weight] = [VARIANCE_ANSWERS * 0.25 * (1 + ratio), VARIANCE_ANSWERS];
  for (const [baseline, candidate] of totals) {
    const [rateB, rateC] = [effectRate(baseline), effectRate(candidate)];
    const answers = baseline[0] + candidate[0];
    total += answers * (rateC * (1 - rateC) + ratio * rateB * (1 - rateB));
    weight += answers;
  }
  return total / weight;
}

/** The sums after a look. share: percent that the candidate shall have, null where nobody knows. */
function addEffect(sums, looked, share) {
  const rows = sortedNames(Object.keys(looked)).filter((name) => looked[name][0][0] && looked[name][1][0]);
  if (!rows.length) return sums;
  const ratios = rows.map((name) => looked[name][1][0] / looked[name][0][0]);
  const variance = effectVariance(sums, share);
  const largest = LARGEST_EFFECT_STAKE / Math.max(1, ...ratios);
  const stakes = EFFECT_GRID.sizes.map((size) => Math.min((sums.margin * size) / variance, largest));
  const classes = { ...sums.classes };
  let [difference, total, spread] = [0, 0, stakes.map(() => 0)];
  rows.forEach((name, row) => {
    const [baseline, candidate] = looked[name];
    const [beforeB, beforeC] = classes[name] ?? [NO_ANSWERS, NO_ANSWERS];
    const ratio = ratios[row];
    difference += candidate[1] - ratio * baseline[1];
    total += candidate[0];
    const squaresB = squaresFrom(baseline, effectRate(beforeB));
    const squaresC = squaresFrom(candidate, effectRate(beforeC));
    spread = spread.map((each, bet) => each + psi(stakes[bet]) * squaresC + psi(stakes[bet] * ratio) * squaresB);
    classes[name] = [addedAnswers(beforeB, baseline), addedAnswers(beforeC, candidate)];
  });
  return {
    margin: sums.margin, classes,
    difference: sums.difference.map((each, bet) => each + stakes[bet] * difference),
    answers: sums.answers.map((each, bet) => each + stakes[bet] * total),
    spread: sums.spread.map((each, bet) => each + spread[bet]),
  };
}

/** The smallest difference that is not refuted from below, by Newton's method. */
function lowerBound(difference, sums, threshold, factor) {
  const offsets = EFFECT_GRID.logWeights.map((weight, bet) => weight + (difference[bet] - sums.spread[bet]) / factor);
  const slopes = sums.answers.map((each) => each / factor);
  let value = -1;
  for (let step = 0; step < NEWTON_STEPS; step++) {
    const terms = offsets.map((offset, bet) => offset - slopes[bet] * value);
    const largest = Math.max(...terms);
    const chances = terms.map((term) => Math.exp(term - largest));
    const mass = sum(chances);
    const excess = largest + Math.log(mass) - threshold;
    const length = (excess * mass) / sum(chances.map((chance, bet) => chance * slopes[bet]));
    if (excess <= 0) return value;
    if (value + length >= 1) return 1;
    if (length < 1e-7) return value;
    value += length;
  }
  return value;
}

/** EM candidate minus EM baseline, with bounds at these risks. */
function effectInterval(sums, riskLow, riskHigh, factor) {
  if (!sums.answers[0]) return { estimate: null, low: -1, high: 1 };
  const low = lowerBound(sums.difference, sums, -Math.log(riskLow), factor);
  const high = -lowerBound(sums.difference.map((each) => -each), sums, -Math.log(riskHigh), factor);
  return { estimate: within(sums.difference[0] / sums.answers[0], -1, 1), low, high };
}

/** The interval with bounds that agree with the claims: it lies above `claim` exactly if that was claimed. */
function meet(interval, claim, isAbove, isBelow) {
  if (interval.estimate === null) return interval;
  let [low, high] = [interval.low ?? -Infinity, interval.high ?? Infinity];
  low = isAbove ? Math.max(low, claim) : Math.min(low, claim);
  high = isBelow ? Math.min(high, claim) : Math.max(high, claim);
  if (low > high) low = high = isAbove && isBelow ? claim : isAbove ? low : high;
  const finite = (bound) => (Number.isFinite(bound) ? bound : null);
  return { estimate: within(interval.estimate, low, high), low: finite(low), high: finite(high) };
}

const startFirstEffect = () => ({ baseline: NO_ANSWERS, candidate: NO_ANSWERS, statistic: 0, information: 0 });

/** The sums of version 1 of the engine after a look, on pooled answers. */
function addFirstEffect(sums, looked) {
  const pooled = (arm) => Object.values(looked).reduce((all, each) => addedAnswers(all, each[arm]), NO_ANSWERS);
  const [baseline, candidate] = [pooled(0), pooled(1)];
  if (!baseline[0] || !candidate[0]) return sums;
  const noise = (past, now) => {
    const rate = within(past[1] / past[0], 0.01, 0.99);
    return (past[0] < LEARNING_ANSWERS ? 0.25 : rate * (1 - rate)) / now[0];
  };
  const precision = 1 / (noise(sums.baseline, baseline) + noise(sums.candidate, candidate));
  const difference = candidate[1] / candidate[0] - baseline[1] / baseline[0];
  return {
    baseline: addedAnswers(sums.baseline, baseline), candidate: addedAnswers(sums.candidate, candidate),
    statistic: sums.statistic + precision * difference, information: sums.information + precision,
  };
}

/** The interval of version 1 of the engine, at its fixed risk of 0.05. */
function firstEffectInterval(sums, margin) {
  if (!sums.information) return { estimate: null, low: -1, high: 1 };
  const estimate = within(sums.statistic / sums.information, -1, 1);
  const radius = normalBoundary(sums.information, margin, 0.025) / sums.information;
  return { estimate, low: Math.max(-1, estimate - radius), high: Math.min(1, estimate + radius) };
}
