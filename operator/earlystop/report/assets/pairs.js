// Exact Match from pairs, and its interval: `evidence/pairs.py`. Pairs are [both, baselineOnly, candidateOnly, neither].

const LARGEST_STAKE = 0.9;
const INTERVAL_STAKE = 0.45;
const BISECTIONS = 18;
const PAIRS_A_PART = 25;
const MOST_PARTS_OF_PAIRS = 8;

const PAIRS_GRID = (() => {
  const [bets, span, middle, decay] = [12, 40, 0.3, 0.7];
  const sizes = Array.from({ length: bets }, (_, bet) => span ** (bet / (bets - 1) - 1));
  return weightedGrid(sizes, sizes.map((size) => 2 ** (-decay * Math.abs(Math.log2(size / middle)))));
})();

const startPairs = (margin, side) => ({ margin, side, pairs: [0, 0, 0, 0], logE: 0, logEMax: 0 });

/** log gain of a candidate-only, a baseline-only and any other pair, for each stake. */
function pairGains(edge, side, stakes) {
  return stakes.map((stake) => {
    const signed = side * stake;
    return [Math.log1p(signed * (1 - edge)), Math.log1p(signed * (-1 - edge)), Math.log1p(-signed * edge)];
  });
}

function pairsMixed([both, worse, better, neither], gains, factor) {
  const same = both + neither;
  const capital = gains.map(([up, down, still]) => (better * up + worse * down + same * still) / factor);
  return logMixture(capital, PAIRS_GRID.logWeights);
}

function pairsLogE(pairs, margin, side, factor) {
  const dearest = 1 - side * margin;
  const stakes = PAIRS_GRID.sizes.map((size) => (LARGEST_STAKE / dearest) * size);
  return pairsMixed(pairs, pairGains(-margin, side, stakes), factor);
}

/** The pairs of a look in up to 8 parts. */
function dealPairs(pairs, seed) {
  const total = sum(pairs);
  const count = Math.min(Math.floor(total / PAIRS_A_PART), MOST_PARTS_OF_PAIRS);
  if (count < 2 || total > MOST_ANSWERS) return [pairs];
  const random = pythonRandom(seed);
  let left = even(total, count);
  const columns = pairs.slice(0, 3).map((marked) => {
    const column = drawn(random, left, marked);
    left = left.map((size, part) => size - column[part]);
    return column;
  });
  return left.map((neither, part) => [...columns.map((column) => column[part]), neither]);
}

/** After one more part; factor: for the whole process. */
function advancePairs(process, part, factor, discount) {
  const pairs = process.pairs.map((count, place) => count + part[place]);
  const logE = countedLogE(discount, pairsLogE(pairs, process.margin, process.side, factor));
  return { ...process, pairs, logE, logEMax: largestProven(discount, process.logEMax, logE) };
}

/** EM candidate minus EM baseline, with bounds at these risks. */
function pairsInterval(pairs, riskLow, riskHigh, factor) {
  const total = sum(pairs);
  if (!total) return { estimate: null, low: -1, high: 1 };
  const stakes = PAIRS_GRID.sizes.map((size) => INTERVAL_STAKE * size);
  const estimate = (pairs[2] - pairs[1]) / total;
  const bound = (side, threshold) => {
    let [inside, outside] = [estimate, -side];
    if (pairsMixed(pairs, pairGains(outside, side, stakes), factor) < threshold) return outside;
    for (let step = 0; step < BISECTIONS; step++) {
      const middle = (inside + outside) / 2;
      if (pairsMixed(pairs, pairGains(middle, side, stakes), factor) >= threshold) outside = middle;
      else inside = middle;
    }
    return outside;
  };
  return { estimate, low: bound(PROMOTE, -Math.log(riskLow)), high: bound(HARM, -Math.log(riskHigh)) };
}
