// Mixtures of bets, the normal mixture, and how gathered evidence is divided: `evidence/mixture.py`,
// `evidence/normal_mixture.py` and `evidence/discount.py`.

const sum = (values) => values.reduce((total, each) => total + each, 0);
const sumBy = (values, of) => values.reduce((total, each) => total + of(each), 0);

/** Bets of these sizes, and the logarithms of their shares of capital. */
function weightedGrid(sizes, weights) {
  const total = sum(weights);
  return { sizes, logWeights: weights.map((each) => Math.log(each / total)) };
}

/** log(sum of exp(each)). */
function logSum(terms) {
  const largest = Math.max(...terms);
  return largest + Math.log(sumBy(terms, (each) => Math.exp(each - largest)));
}

const logMixture = (logCapital, logWeights) => logSum(logCapital.map((each, index) => each + logWeights[index]));

const FAR_TAIL = -25;
const LOG_ROOT_TWO_PI = 0.5 * Math.log(2 * Math.PI);

/** z^2 / 2 + log of the standard normal distribution function at z. */
function halfSquareAndLogNormal(z) {
  if (z > FAR_TAIL) return (z * z) / 2 + Math.log(0.5 * complementaryErrorFunction(-z / Math.SQRT2));
  const t = 1 / (z * z);
  return -Math.log(-z) - LOG_ROOT_TWO_PI + Math.log1p(-t * (1 - t * (3 - t * (15 - t * (105 - t * 945)))));
}

/** Natural log of the one-sided e-value of the normal mixture. */
function normalLogE(statistic, information, scale) {
  const precision = scale ** -2;
  const total = information + precision;
  return Math.LN2 + 0.5 * Math.log(precision / total) + halfSquareAndLogNormal(statistic / Math.sqrt(total));
}

/** The statistic that the one-sided normal mixture needs at most before it rejects at this risk. */
function normalBoundary(information, scale, risk) {
  const precision = scale ** -2;
  const spread = (information + precision) / precision;
  return Math.sqrt(2 * (information + precision) * Math.log1p(Math.sqrt(spread) / (2 * risk)));
}

/** How evidence is divided: factor >= 1; isKnown: false while that is a guess; isLearned: by looks or users; freedom: of
 * the factor. */
function discounted(factor = 1, isKnown = true, isLearned = false, freedom = Infinity) {
  return { factor, isKnown, isLearned, freedom };
}

const CALIBRATED_RISK = 0.05;
const FULL_LOG_E = -Math.log(CALIBRATED_RISK);
const GUESS_FREEDOM = 16;

/** What counts of a log e-value: far out as Student's law has it. */
function countedLogE(discount, divided) {
  if (divided <= FULL_LOG_E || discount.freedom === Infinity) return divided;
  const half = discount.freedom / 2;
  return FULL_LOG_E + half * Math.log((half + divided) / (half + FULL_LOG_E));
}

/** The risk of an interval whose dual are the claims at `risk`. */
function riskRead(discount, risk) {
  if (risk >= CALIBRATED_RISK || discount.freedom === Infinity) return risk;
  const half = discount.freedom / 2;
  const needed = (half + FULL_LOG_E) * Math.exp((-Math.log(risk) - FULL_LOG_E) / half) - half;
  return Math.max(Math.exp(-needed), 1e-300);
}

const UNDIVIDED = discounted();

/** The largest log e-value that is proven, after one more; before: the one so far. */
function largestProven(discount, before, logE) {
  if (!discount.isKnown) return 0;
  return Math.max(discount.isLearned ? 0 : before, logE);
}

const readCapital = (discount, logCapital) =>
  discount.factor === 1 ? logCapital : logCapital.map((each) => each / discount.factor);

/** What a harm is read from: the largest that is proven, or what is said now, while the factor is a guess. */
const said = (process) => Math.max(process.logEMax, process.logE);
