// How much events scatter, and by what evidence is divided: `evidence/scatter.py`, `evidence/split_scatter.py`,
// `evidence/lasting_groups.py`, `evidence/arm_scatter.py` (of answers), `evidence/user_factors.py` and
// `evidence/divisors.py`.

const SCALES = [1, 2, 4, 8, 16, 32, 64];
const LEAST_FREEDOM = 3.9;
const SEEN_FREEDOM = 1.5;
const CHANCE_QUANTILE = 0.84;
const DOUBT_QUANTILE = 2.33;
const BOUND_QUANTILE = 0.5;
const MOST_GROWTH = 2;
const MOST_FACTOR = 100;

/** isWeighed: whether looks have weights, or all count alike, as before version 8 of the engine. */
function startScatter(isWeighed = false) {
  const nothing = { looks: 0, sums: [0, 0, 0], parts: [], windows: 0, total: 0, answers: 0, squaredAnswers: 0 };
  return SCALES.map((size) => ({ size, isWeighed, ...nothing, weight: 0, squaredWeights: 0 }));
}

const partOf = (scale) => Math.max(1, Math.floor(scale.size / 4));
const meanOf = (scale) => scale.total / scale.weight;

/** Degrees of freedom that the mean would have if all pairs of blocks counted alike: by these looks are waited for. */
function waitedFreedom(scale) {
  if (!scale.windows) return 0;
  const blocks = 2 + ((scale.windows - 1) * partOf(scale)) / scale.size;
  const squared = 4 * scale.size * scale.size;
  return ((1.5 * blocks - 2) * squared) / (squared + 5);
}

function freedomOf(scale) {
  if (!scale.windows) return 0;
  const evenness = (scale.weight * scale.weight) / (scale.windows * scale.squaredWeights);
  return Math.max(waitedFreedom(scale) * evenness, Math.min(waitedFreedom(scale), 1));
}

const sumsOf = (some) => some.reduce((sums, each) => sums.map((sum, index) => sum + each[index]), [0, 0, 0]);

/** The square by which two blocks differ, and what it counts. A block is its statistic, the variance of that, a weight. */
function squareApart(isWeighed, [before, varianceBefore, known], [after, varianceAfter, recent]) {
  const apart = after / recent - before / known;
  if (!isWeighed) return [(apart * apart) / (1 / recent + 1 / known), 1];
  const both = 1 / (1 / recent + 1 / known);
  return [(both * apart) ** 2, (both / recent) ** 2 * varianceAfter + (both / known) ** 2 * varianceBefore];
}

/** With one more look. statistic: difference between the arms over its variance; information: 1 over the variance;
 * weight: what the look weighs, whatever its answers were. */
function observeScatter(scatter, statistic, information, weight = information) {
  return scatter.map((scale) => {
    const looks = scale.looks + 1;
    const look = scale.isWeighed
      ? [weight * (statistic / information), weight * (weight / information), weight]
      : [statistic, information, information];
    const sums = sumsOf([scale.sums, look]);
    const [answers, squaredAnswers] = [scale.answers + weight, scale.squaredAnswers + weight * weight];
    if (looks < partOf(scale)) return { ...scale, looks, sums, answers, squaredAnswers };
    const half = Math.floor(scale.size / partOf(scale));
    const kept = 2 * half > 1 ? scale.parts.slice(-(2 * half - 1)) : [];
    const parts = [...kept, sums];
    const next = { ...scale, looks: 0, sums: [0, 0, 0], parts, answers, squaredAnswers };
    if (parts.length < 2 * half) return next;
    const [squared, counts] = squareApart(scale.isWeighed, sumsOf(parts.slice(0, half)), sumsOf(parts.slice(half)));
    const squaredWeights = scale.squaredWeights + counts * counts;
    const [total, counted] = [scale.total + squared, scale.weight + counts];
    return { ...next, windows: scale.windows + 1, total, weight: counted, squaredWeights };
  });
}

/** An upper bound of a scale's factor, 1 where chance explains what it shows. */
function boundOf(scale, chance) {
  const part = 2 / (9 * freedomOf(scale));
  if (meanOf(scale) <= (1 - part + chance * Math.sqrt(part)) ** 3) return 1;
  return Math.max(1, meanOf(scale) / (1 - part - BOUND_QUANTILE * Math.sqrt(part)) ** 3);
}

function largestBound(scales, chance = CHANCE_QUANTILE) {
  if (!scales.length) return 1;
  const last = boundOf(scales.at(-1), chance);
  let largest = Math.max(...scales.map((each) => boundOf(each, chance)));
  if (scales.length > 1 && last > 1) {
    const growth = meanOf(scales.at(-1)) / Math.max(meanOf(scales.at(-2)), 1);
    largest = Math.max(largest, last * Math.min(growth, MOST_GROWTH));
  }
  return Math.min(largest, MOST_FACTOR);
}

const withFreedom = (scatter, least) => scatter.filter((each) => waitedFreedom(each) >= least);
const beyondDoubt = (scatter) => largestBound(withFreedom(scatter, LEAST_FREEDOM), DOUBT_QUANTILE);

function isScatterKnown(scatter, looks = 1) {
  const learned = withFreedom(scatter, LEAST_FREEDOM);
  if (!learned.length || learned.at(-1).size < looks || largestBound(learned) >= MOST_FACTOR) return false;
  const { isWeighed, answers, squaredAnswers } = learned[0];
  return !isWeighed || answers * answers >= looks * squaredAnswers;
}

function scatterFactor(scatter, unknown, looks = 1) {
  if (isScatterKnown(scatter, looks)) return largestBound(withFreedom(scatter, LEAST_FREEDOM));
  return Math.max(unknown, largestBound(withFreedom(scatter, SEEN_FREEDOM)));
}

const startSplit = () => ({
  looks: 0,
  sizes: [1, 2, 4, 8, 16, 32].map((size) => ({
    size, looks: 0, apart: 0, variance: 0, blocks: 0, squares: 0, apartSquared: 0, weight: 0, squaredWeights: 0,
  })),
});

/** With the requests that started in one more look. share: percent that the candidate shall have. */
function observeSplit(known, baseline, candidate, share) {
  const started = baseline + candidate;
  const fraction = share / 100;
  if (!started) return known;
  const [apart, variance] = [candidate - started * fraction, started * fraction * (1 - fraction)];
  const sizes = known.sizes.map((each) => {
    const next = { ...each, looks: each.looks + 1, apart: each.apart + apart, variance: each.variance + variance };
    if (next.looks < each.size) return next;
    const [squared, squaredWeights] = [next.apart ** 2, each.squaredWeights + next.variance ** 2];
    const sums = { apartSquared: each.apartSquared + squared, weight: each.weight + next.variance, squaredWeights };
    const squares = each.squares + squared / next.variance;
    return { ...each, looks: 0, apart: 0, variance: 0, blocks: each.blocks + 1, squares, ...sums };
  });
  return { looks: known.looks + 1, sizes };
}

function splitLimit({ blocks }, quantile) {
  const part = 2 / (9 * blocks);
  return (1 - part + quantile * Math.sqrt(part)) ** 3;
}

const meanSquare = (each) => each.squares / each.blocks;
const showsGroups = (each) => meanSquare(each) > splitLimit(each, 2);
const enoughBlocks = (known) => known.sizes.filter((each) => each.blocks >= 4);

function seemsOneByOne(known) {
  const fits = (each) => splitLimit(each, -3) <= meanSquare(each) && !showsGroups(each);
  return known.looks >= 8 && enoughBlocks(known).every(fits);
}

function groupsOutlastBlocks(known) {
  const enough = enoughBlocks(known).filter((each) => each.size >= 8);
  const long = enough.find((each) => each.size === 32);
  const short = enough.find((each) => each.size === 8);
  return Boolean(long) && enough.some(showsGroups) && meanSquare(long) > 1.25 * meanSquare(short);
}

/** An upper bound of how much answers of a group are alike, 0 to 1. */
function mostAlike(answers, split) {
  let [common, information] = [0, 0];
  const bySize = new Map(enoughBlocks(split).map((each) => [each.size, each]));
  for (const scale of answers) {
    const [block, double] = [bySize.get(scale.size), bySize.get(2 * scale.size)];
    if (!block || !double || freedomOf(scale) < LEAST_FREEDOM) continue;
    const grouped = Math.max(2 * meanSquare(block) - meanSquare(double) - 1, 0);
    const weight = freedomOf(scale) / 2 / Math.max(meanOf(scale), 1) ** 2;
    common += weight * grouped * (meanOf(scale) - 1);
    information += weight * grouped * grouped;
  }
  if (!information) return 1;
  return within(common / information + 2 / Math.sqrt(information), 0, 1);
}

/** The factor by which answers scatter at most between the arms, as far as the split shows it. */
function mostScatter(answers, split) {
  const long = enoughBlocks(split).filter((each) => each.size >= 8 && meanSquare(each) > splitLimit(each, 1));
  if (!long.length) return 1;
  const shown = Math.max(...long.map(meanSquare));
  return Math.min(1 + mostAlike(answers, split) * (shown - 1), MOST_FACTOR);
}

/** An upper bound of the mean square, each block weighing by its requests; 1 where chance explains it. */
function boundByRequests({ apartSquared, weight, squaredWeights }) {
  const mean = apartSquared / weight;
  const part = (2 * squaredWeights) / (9 * weight * weight);
  if (mean <= (1 - part + 1.5 * Math.sqrt(part)) ** 3) return 1;
  return mean / (1 - part - BOUND_QUANTILE * Math.sqrt(part)) ** 3;
}

/** The factor as far as requests show it before answers do, from a single block on. */
function guessedScatter(split, engine) {
  const seen = split.sizes.filter((each) => each.blocks);
  const shown = engine > 8
    ? seen.map(boundByRequests)
    : seen.filter((each) => meanSquare(each) > splitLimit(each, 1)).map(meanSquare);
  return Math.min(1 + 0.5 * (Math.max(1, ...shown) - 1), MOST_FACTOR);
}

const startArms = (engine) => ({ answers: startScatter(engine > 7), seen: {} });

/** The rate of a look, with what was seen before it; inside (0, 1). Answers are [scored, match]. */
function rateBeside([scored, match], [scoredNow, matchNow]) {
  const past = (match + 0.8 * 20) / (scored + 20);
  return within((matchNow + 20 * past) / (scoredNow + 20), 1e-9, 1 - 1e-9);
}

const addedAnswers = ([scored, match], [more, moreMatch]) => [scored + more, match + moreMatch];

function observeAnswers(known, classes) {
  const seen = { ...known.seen };
  let [difference, variance, total, exposed] = [0, 0, 0, 0];
  for (const name of sortedNames(Object.keys(classes))) {
    const [baseline, candidate] = classes[name];
    if (!baseline[0] || !candidate[0]) continue;
    const before = seen[name] ?? [0, 0];
    const both = addedAnswers(candidate, baseline);
    const [rate, ratio] = [rateBeside(before, both), candidate[0] / baseline[0]];
    difference += candidate[1] - ratio * baseline[1];
    variance += candidate[0] * rate * (1 - rate) * (1 + ratio);
    exposed += candidate[0] * (1 + ratio);
    total += candidate[0];
    seen[name] = addedAnswers(before, both);
  }
  if (!total) return known;
  const [information, weight] = [(total * total) / variance, (total * total) / exposed];
  return { answers: observeScatter(known.answers, (difference * total) / variance, information, weight), seen };
}

function observePairs(known, pairs) {
  const total = sum(pairs);
  if (!total) return known;
  const before = known.seen[""] ?? [0, 0];
  const apart = [total, pairs[1] + pairs[2]];
  const rate = rateBeside(before, apart);
  const answers = observeScatter(known.answers, (pairs[2] - pairs[1]) / rate, total / rate, total);
  return { answers, seen: { "": addedAnswers(before, apart) } };
}

const startUsers = () => ({ last: null, requests: 0, since: 0 });

/** With one more look; users: counts of `users.` columns by name, null where none are counted. */
function observeUsers(seen, users, started) {
  if (users && users.answers > 0) return { last: users, requests: seen.requests + seen.since + started, since: 0 };
  return { ...seen, since: seen.since + started };
}

const UNKNOWN = 10;
const UNLIKELY = 4;
const UNKNOWN_SCATTER = 3;

function factorOfUsers(users, kind) {
  if (users.last === null) return UNKNOWN;
  return Math.max(1, (users.last[kind] / 1000) * (1 + users.since / Math.max(users.requests, 1)));
}

function blocksFreedom(terms, blocks, looks = 1) {
  if (terms.engine < 5) return Infinity;
  return isScatterKnown(blocks, looks) ? freedomOf(blocks.find((each) => each.size >= looks)) : GUESS_FREEDOM;
}

const usersFreedom = (terms, users) =>
  terms.engine < 5 ? Infinity : users.last === null ? GUESS_FREEDOM : 31;

/** Whether counts of requests may show more than answers do. */
function splitMayTeach(terms) {
  return !terms.sessionsDeclared && terms.source === "Looks" && terms.basis !== "Pairs";
}

/** Looks in the blocks that must be learned before the scatter of answers is known. */
function neededLooks(terms, split) {
  if (terms.engine < 6 || !splitMayTeach(terms)) return terms.knownLooks;
  return groupsOutlastBlocks(split) ? 64 : terms.knownLooks;
}

/** What is known of how much Exact Match scatters, as a discount. */
function knowledge(terms, { users, arms, split }) {
  const given = terms.dispersion;
  if (terms.source === "Users") {
    const factor = Math.max(factorOfUsers(users, "answers"), beyondDoubt(arms.answers));
    return discounted(Math.max(given, factor), users.last !== null, true, usersFreedom(terms, users));
  }
  if (terms.source === "Looks") {
    const isUnlikely = !terms.answersRepeat && (terms.basis === "Pairs" || seemsOneByOne(split));
    const guess = isUnlikely ? UNLIKELY : UNKNOWN;
    const needed = neededLooks(terms, split);
    const isKnown = isScatterKnown(arms.answers, needed);
    const least = terms.engine > 6 && splitMayTeach(terms) ? mostScatter(arms.answers, split) : 1;
    const guessed = terms.engine > 7 && !isKnown && terms.basis !== "Pairs" ? guessedScatter(split, terms.engine) : 1;
    const factor = Math.max(scatterFactor(arms.answers, guess, needed), least, guessed);
    return discounted(Math.max(given, factor), isKnown, true, blocksFreedom(terms, arms.answers, needed));
  }
  return discounted(given);
}

function lengthsDiscount(terms, { users, split }, blocks) {
  if (terms.source === "Users") {
    const factor = Math.max(factorOfUsers(users, "lengths"), scatterFactor(blocks, UNKNOWN_SCATTER));
    return discounted(factor, true, true, Math.min(usersFreedom(terms, users), blocksFreedom(terms, blocks)));
  }
  const waits = terms.source === "Looks";
  const looks = waits ? neededLooks(terms, split) : 1;
  const isKnown = !waits || isScatterKnown(blocks, looks);
  const least = terms.engine > 7 && splitMayTeach(terms) ? mostScatter(blocks, split) : 1;
  const factor = Math.max(scatterFactor(blocks, UNKNOWN_SCATTER, looks), least);
  return discounted(factor, isKnown, true, blocksFreedom(terms, blocks, looks));
}

/** By what the evidence of a look is divided: of answers, of lengths, and of lengths below a known bound. */
function divisorsOf(terms, witnesses, blocks) {
  if (terms.engine === 1) return { answers: UNDIVIDED, lengths: UNDIVIDED, bounded: UNDIVIDED, byLook: terms.dispersion };
  const lengths = lengthsDiscount(terms, witnesses, blocks);
  const bounded = {
    Users: () => discounted(factorOfUsers(witnesses.users, "lengths"), true, true, usersFreedom(terms, witnesses.users)),
    Looks: () => lengths,
  }[terms.source];
  return { answers: knowledge(terms, witnesses), lengths, bounded: bounded ? bounded() : UNDIVIDED, byLook: 1 };
}
