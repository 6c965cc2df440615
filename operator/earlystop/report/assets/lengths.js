// The claim about output tokens, and the interval for the saving: `evidence/tokens.py`,
// `evidence/empirical_bernstein.py` and `evidence/intervals.py`. Lengths are {completed, tokens, squares}; squares are a
// BigInt, since their products pass what a number holds.

const LEARNING_ANSWERS = 100;
const BLOCK_ANSWERS = 20;
const PRIOR_SCALE = 0.1;
const LEAST_PART = 0.5;
const NO_LENGTHS = { completed: 0, tokens: 0, squares: 0n };
const NO_ANSWER = { completed: 0, squares: 0n, weight: 0 };
const LARGEST_KEEP = 1024;

const addedLengths = (one, other) => ({
  completed: one.completed + other.completed, tokens: one.tokens + other.tokens, squares: one.squares + other.squares,
});
const meanLength = (lengths) => lengths.tokens / lengths.completed;

function lengthVariance(lengths) {
  const { completed, tokens, squares } = lengths;
  const surplus = BigInt(completed) * squares - BigInt(tokens) * BigInt(tokens);
  const sample = Number(surplus) / (completed * (completed - 1));
  return Math.max(sample, (0.1 * meanLength(lengths)) ** 2, 1);
}

/** The asymptotic test before any look. */
function startLengths(minimumSaving, engine) {
  const longest = engine > 8 ? NO_ANSWER : null;
  return {
    keep: 1 - minimumSaving, pastB: NO_LENGTHS, pastC: NO_LENGTHS, blockB: NO_LENGTHS, blockC: NO_LENGTHS, share: null,
    scale: null, weightedB: 0, weightedC: 0, spreadB: 0, spreadC: 0, logE: 0, logEMax: 0, blocks: startScatter(),
    longestB: longest, longestC: longest,
  };
}

/** By how much the longest answer of an arm moves the test's sum, at most; answers: all of it, with this block. */
function moves(longest, answers) {
  const others = answers.completed - longest.completed;
  if (!longest.completed || !others) return 0;
  const usual = Number(BigInt(longest.completed) * (answers.squares - longest.squares)) / others;
  return longest.weight * Math.sqrt(Math.max(0, Number(longest.squares) - 2 * usual));
}

/** The block of an arm in which the longest answer stands, after one more. past: of the arm, before this one. */
function longer(known, block, precision, past) {
  if (known === null) return null;
  const answers = addedLengths(past, block);
  const recent = { completed: block.completed, squares: block.squares, weight: precision / block.completed };
  return moves(recent, answers) >= moves(known, answers) ? recent : known;
}

/** By how much the test's sum may be too large, where few answers make the means. */
function doubtOf(process, keep) {
  if (process.longestB === null) return 0;
  const ofBaseline = moves(process.longestB, addedLengths(process.pastB, process.blockB));
  return keep * ofBaseline + 3 * moves(process.longestC, addedLengths(process.pastC, process.blockC));
}

const statisticOf = (process, keep) => keep * process.weightedB - process.weightedC;
const informationOf = (process, keep) => keep * keep * process.spreadB + process.spreadC;

/** After one more look. share: percent of both variants' requests that the candidate shall have. */
function advanceLengths(process, baseline, candidate, share, engine, discount) {
  let next = process.share === share ? process : { ...closed(process), share };
  next = {
    ...next, blockB: addedLengths(next.blockB, baseline), blockC: addedLengths(next.blockC, candidate),
  };
  if (Math.min(next.blockB.completed, next.blockC.completed) < BLOCK_ANSWERS) return next;
  if (Math.min(next.pastB.completed, next.pastC.completed) >= LEARNING_ANSWERS) next = bet(next, engine, discount);
  return closed(next);
}

/** The open block belongs to the past from now on. */
function closed(process) {
  return {
    ...process, pastB: addedLengths(process.pastB, process.blockB), pastC: addedLengths(process.pastC, process.blockC),
    blockB: NO_LENGTHS, blockC: NO_LENGTHS,
  };
}

function bet(process, engine, discount) {
  const { blockB, blockC, keep } = process;
  let [varianceB, varianceC] = [lengthVariance(process.pastB), lengthVariance(process.pastC)];
  let { blocks } = process;
  if (engine !== 1) {
    const shift = Math.max(1, Math.min(lengthVariance(blockB) / varianceB, lengthVariance(blockC) / varianceC));
    [varianceB, varianceC] = [shift * varianceB, shift * varianceC];
    if (engine > 8) varianceC = Math.max(varianceC, LEAST_PART * keep * keep * varianceB);
    const information = 1 / ((keep * keep * varianceB) / blockB.completed + varianceC / blockC.completed);
    blocks = observeScatter(blocks, (keep * meanLength(blockB) - meanLength(blockC)) * information, information);
  }
  const [noiseB, noiseC] = [varianceB / blockB.completed, varianceC / blockC.completed];
  const precision = 1 / (keep * keep * noiseB + noiseC);
  const scale = process.scale ?? PRIOR_SCALE * Math.max(meanLength(process.pastB), 1);
  const added = {
    ...process, scale, blocks,
    weightedB: process.weightedB + precision * meanLength(blockB),
    weightedC: process.weightedC + precision * meanLength(blockC),
    spreadB: process.spreadB + precision * precision * noiseB,
    spreadC: process.spreadC + precision * precision * noiseC,
    longestB: longer(process.longestB, blockB, precision, process.pastB),
    longestC: longer(process.longestC, blockC, precision, process.pastC),
  };
  const sums = [statisticOf(added, keep) - doubtOf(added, keep), informationOf(added, keep)];
  const read = sums.map((each) => each / discount.factor);
  const logE = countedLogE(discount, normalLogE(...read, scale));
  return { ...added, logE, logEMax: largestProven(discount, process.logEMax, logE) };
}

const BOUNDED_GRID = weightedGrid(
  Array.from({ length: 12 }, (_, bet) => 0.004 * 150 ** (bet / 11)),
  Array.from({ length: 12 }, () => 1),
);

/** The exact test before any look; bound: the longest possible answer in tokens. */
function startBounded(minimumSaving, bound) {
  return {
    keep: 1 - minimumSaving, bound, pastB: NO_LENGTHS, pastC: NO_LENGTHS, logCapital: BOUNDED_GRID.sizes.map(() => 0),
    logE: 0, logEMax: 0,
  };
}

/** Whether sums show an answer of more tokens than the bound. */
const passesBound = ({ completed, tokens, squares }, bound) =>
  tokens > completed * bound || squares > BigInt(bound) * BigInt(tokens);

const psi = (stake) => -Math.log1p(-stake) - stake;

/** The exact test after one more look. */
function advanceBounded(process, baseline, candidate, discount) {
  if (!baseline.completed || !candidate.completed) return process;
  const { bound } = process;
  const centre = (past) => (past.completed ? meanLength(past) : 0);
  const spread = (lengths, at) => {
    const squares = Number(lengths.squares) - 2 * at * lengths.tokens + lengths.completed * at * at;
    return Math.max(squares, 0) / (bound * bound);
  };
  const ratio = (process.keep * candidate.completed) / baseline.completed;
  const linear = (ratio * baseline.tokens - candidate.tokens) / bound;
  const [spreadB, spreadC] = [spread(baseline, centre(process.pastB)), spread(candidate, centre(process.pastC))];
  const logCapital = process.logCapital.map((capital, index) => {
    const size = BOUNDED_GRID.sizes[index];
    const gain = size * linear - psi(size) * spreadC - psi(size * ratio) * spreadB;
    return size * ratio < 0.95 ? capital + gain : capital;
  });
  const logE = countedLogE(discount, logMixture(readCapital(discount, logCapital), BOUNDED_GRID.logWeights));
  return {
    ...process, pastB: addedLengths(process.pastB, baseline), pastC: addedLengths(process.pastC, candidate), logCapital,
    logE, logEMax: largestProven(discount, process.logEMax, logE),
  };
}

/** Share of output tokens saved: every ratio of means that a test with that ratio as its edge would not reject. */
function savingInterval(process, risk, factor) {
  if (process.scale === null || process.weightedB <= 0) return { estimate: null, low: null, high: 1 };
  const ratio = process.weightedC / process.weightedB;
  const excess = (keep) =>
    (Math.abs(statisticOf(process, keep)) - doubtOf(process, keep)) / factor -
    normalBoundary(informationOf(process, keep) / factor, process.scale, risk / 2);
  const root = (inside, outside) => {
    for (let step = 0; step < 40; step++) {
      const middle = (inside + outside) / 2;
      if (excess(middle) > 0) outside = middle;
      else inside = middle;
    }
    return outside;
  };
  const smallest = excess(0) <= 0 ? 0 : root(ratio, 0);
  let outside = 2 * ratio + 1;
  while (excess(outside) <= 0 && outside < LARGEST_KEEP) outside *= 2;
  const largest = excess(outside) > 0 ? root(ratio, outside) : null;
  return { estimate: 1 - ratio, low: largest === null ? null : 1 - largest, high: 1 - smallest };
}
