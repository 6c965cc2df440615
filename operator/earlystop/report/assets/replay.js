// All evidence of a comparison, folded over its looks: `evidence/engine.py` and `evidence/em_claims.py`, of the claims
// about Exact Match and output tokens.
//
// terms: what is to be proven, as `report/terms.py` writes it. A look is an array of integers by `columns`.

const OTHER = "";

/** A look as counts by name. Counts above 2^53 arrive as text (`parsedRecord`) and are BigInts. */
function lookOf(row, columns, terms) {
  const at = {};
  namesOfRow(row, columns, terms).forEach((name, index) => {
    at[name] = row[index];
  });
  const count = (name) => Number(at[name] ?? 0);
  const arm = (variant) => ({
    started: count(`${variant}.started`),
    match: count(`${variant}.match`),
    mismatch: count(`${variant}.mismatch`),
    unscored: count(`${variant}.unscored`),
    lengths: {
      completed: count(`${variant}.completed`), tokens: count(`${variant}.tokens`),
      squares: BigInt(at[`${variant}.tokens_squared`] ?? 0),
    },
  });
  const pairs = ["both", "baseline_only", "candidate_only", "neither"].map((each) => count(`candidate.pairs_${each}`));
  const without = (each) => count(`candidate.pairs_without_${each}`);
  const neither = without("baseline_wrong") + without("candidate_wrong");
  const lacking = [0, without("candidate_right"), without("baseline_right"), neither];
  const classes = terms.classes.map((name) => {
    const counts = ["baseline.match", "baseline.mismatch", "candidate.match", "candidate.mismatch"];
    return counts.map((each) => count(`${each}/${name}`));
  });
  const users = "users.answers" in at ? { answers: count("users.answers"), lengths: count("users.lengths") } : null;
  const [weight, own] = [count("weight"), at["baseline.weight"]];
  const share = own === undefined ? weight : (100 * weight) / (weight + Number(own));
  return { at: count("at"), step: count("step"), weight, share, baseline: arm("baseline"), candidate: arm("candidate"),
    pairs, lacking, classes, users };
}

/** Names of the integers of a row. Columns of query classes are those of the claims, whatever the record's are. */
function namesOfRow(row, columns, terms) {
  const optional = (name) => name.includes("/") || name === "baseline.weight" || name.startsWith("users.");
  const first = columns.slice(0, 31);
  const later = columns.slice(31).filter((name) => !optional(name));
  const users = terms.byUsers ? columns.filter((name) => name.startsWith("users.")) : [];
  const inClasses = ["baseline.match", "baseline.mismatch", "candidate.match", "candidate.mismatch"];
  const classes = terms.classes.flatMap((name) => inClasses.map((each) => `${each}/${name}`));
  const rest = row.length - first.length - classes.length - users.length;
  const number = rest > 1 ? row.at(-1 - users.length) : 0; // later counts of a variant in this row
  const own = number ? (rest % 4) - 2 : rest;
  const counts = ["baseline", "candidate"].flatMap((arm) => later.filter((name) => name.startsWith(arm)).slice(0, number));
  const last = number ? [...counts, ...Array(rest - own - counts.length)] : [];
  if ((own !== 0 && own !== 1) || counts.length !== 2 * number) throw new Error("a look has not as many counts as its columns");
  return [...first, ...classes, ...(own ? ["baseline.weight"] : []), ...last, ...users];
}

/** Answers by query class, [scored, match] of each arm, and of all other classes together. */
function answersByClass(look, terms) {
  const scored = ({ match, mismatch }) => [match + mismatch, match];
  let rest = [scored(look.baseline), scored(look.candidate)];
  const found = {};
  terms.classes.forEach((name, index) => {
    const [matchB, missB, matchC, missC] = look.classes[index];
    found[name] = [[matchB + missB, matchB], [matchC + missC, matchC]];
    rest = rest.map(([all, match], arm) => [all - found[name][arm][0], match - found[name][arm][1]]);
  });
  found[OTHER] = rest;
  return found;
}

function isUsable(counted, terms) {
  if (terms.basis === "Pairs") return sum(counted.pairs) > 0;
  const look = terms.unscoredByClass ? asJudged(counted, terms) : counted;
  const each = Object.values(answersByClass(look, terms));
  return (
    look.baseline.match + look.baseline.mismatch > 0 &&
    each.some(([, candidate]) => candidate[0] > 0) &&
    each.every(([baseline, candidate]) => baseline[0] > 0 || candidate[0] === 0)
  );
}

/** The look as Exact Match is read from it: unscored answers are mismatches, where they count as such. Query classes
 * hold theirs already, or, in campaigns of version 2, they are shared among them. */
function asJudged(look, terms) {
  if (terms.leavesOutPairs) return { ...look, pairs: look.pairs.map((each, index) => Math.max(0, each - look.lacking[index])) };
  if (!terms.countsUnscored || !(look.baseline.unscored || look.candidate.unscored)) return look;
  const judged = (arm) => ({ ...arm, mismatch: arm.mismatch + arm.unscored, unscored: 0 });
  const arms = { baseline: judged(look.baseline), candidate: judged(look.candidate) };
  if (terms.unscoredByClass) return { ...look, ...arms };
  const shares = [look.baseline, look.candidate].map((arm, index) =>
    sharesOfMissing(look.classes.map((each) => each[2 * index] + each[2 * index + 1]), arm));
  const classes = look.classes.map(([matchB, missB, matchC, missC], index) =>
    [matchB, missB + shares[0][index], matchC, missC + shares[1][index]]);
  return { ...look, ...arms, classes };
}

/** How many of an arm's missing answers each named class gets, by largest remainders. */
function sharesOfMissing(scored, arm) {
  const all = arm.match + arm.mismatch;
  if (!all) return scored.map(() => 0);
  const weights = [...scored, Math.max(0, all - sum(scored))];
  const total = sum(weights);
  const shares = weights.map((weight) => Math.floor((arm.unscored * weight) / total));
  const remainder = (index) => (arm.unscored * weights[index]) % total;
  const order = weights.map((_, index) => index).sort((one, other) => remainder(other) - remainder(one));
  for (const index of order.slice(0, arm.unscored - sum(shares))) shares[index] += 1;
  return shares.slice(0, -1);
}

/** The evidence before any look. */
function begin(terms) {
  return {
    promote: startExactMatch(terms.margin, PROMOTE),
    harm: startExactMatch(terms.margin, HARM),
    pairedPromote: startPairs(terms.margin, PROMOTE),
    pairedHarm: startPairs(terms.margin, HARM),
    lengths: startLengths(terms.minimumSaving, terms.engine),
    bounded: terms.longestAnswer === null ? null : startBounded(terms.minimumSaving, terms.longestAnswer),
    effect: terms.engine === 1 ? startFirstEffect() : startEffect(terms.margin),
    users: startUsers(), arms: startArms(terms.engine), split: startSplit(), own: null,
  };
}

function observed(state, look, judged, usable, terms) {
  let { users, arms, split } = state;
  if (terms.engine === 1) return { users, arms, split };
  const started = [look.baseline.started, look.candidate.started];
  if (terms.byUsers) users = observeUsers(users, look.users, sum(started));
  if (usable && terms.basis === "Pairs") arms = observePairs(arms, judged.pairs);
  else if (usable) arms = observeAnswers(arms, answersByClass(judged, terms));
  if (terms.splitKnown) split = observeSplit(split, ...started, look.share);
  return { users, arms, split };
}

/** The evidence after one more look. */
function advance(state, look, terms) {
  const usable = isUsable(look, terms);
  const without = (arm) => ({ ...arm, match: 0, mismatch: 0, unscored: 0 });
  const counted = usable ? look : { ...look, baseline: without(look.baseline), candidate: without(look.candidate),
    classes: look.classes.map(() => [0, 0, 0, 0]) };
  const judged = usable ? asJudged(counted, terms) : counted;
  const arms = [counted.baseline.lengths, counted.candidate.lengths];
  if (terms.limitIsDerived && arms.some((each) => passesBound(each, terms.longestAnswer))) state = { ...state, bounded: null };
  if (!isTried(state, terms) && look.step >= terms.sameSettingSteps) state = triedNow(state, terms);
  const witnesses = observed(state, counted, judged, usable, terms);
  const divided = divisorsOf(terms, witnesses, state.lengths.blocks);
  const [lengthsB, lengthsC] = arms;
  const classes = answersByClass(judged, terms);
  const share = terms.splitKnown ? look.share : null;
  let { effect } = state;
  if (terms.engine === 1) effect = addFirstEffect(effect, classes);
  else if (terms.basis !== "Pairs") effect = addEffect(effect, classes, share);
  const lengths = advanceLengths(state.lengths, lengthsB, lengthsC, look.share, terms.engine, divided.lengths);
  if (!isTried(state, terms)) return { ...state, ...witnesses, effect, lengths };
  return {
    ...state, ...witnesses, effect, lengths,
    ...(usable ? advanceAnswers(state, judged, classes, share, divided, terms) : {}),
    bounded: state.bounded && advanceBounded(state.bounded, lengthsB, lengthsC, divided.bounded),
  };
}

function advanceAnswers(state, look, classes, share, divided, terms) {
  if (terms.basis === "Pairs") {
    let { pairedPromote, pairedHarm } = state;
    const factor = divided.answers.factor * divided.byLook;
    for (const part of dealPairs(look.pairs, look.at)) {
      pairedPromote = advancePairs(pairedPromote, part, factor, divided.answers);
      pairedHarm = advancePairs(pairedHarm, part, factor, divided.answers);
    }
    return { pairedPromote, pairedHarm };
  }
  const mean = (process, risk) => {
    const [byLook, discount] = [divided.byLook, divided.answers];
    if (!terms.classes.length) return advancePooled(process, ...classes[OTHER], look.at, risk, byLook, discount);
    if (terms.engine === 1) return advanceByOwnMix(process, classes, byLook);
    return advanceByClass(process, classes, look.at, risk, byLook, share, discount);
  };
  return { promote: mean(state.promote, terms.riskPromote), harm: mean(state.harm, terms.riskHarm) };
}

const isShown = (logE, risk) => risk > 0 && logE >= -Math.log(risk);

/** What the evidence says: log e-values now and the largest proven, intervals for the effect and the saving. */
function assess(state, terms) {
  const onPairs = terms.basis === "Pairs";
  const [promote, harm] = onPairs ? [state.pairedPromote, state.pairedHarm] : [state.promote, state.harm];
  const tokens = state.bounded ?? (isTried(state, terms) ? state.lengths : startLengths(terms.minimumSaving, terms.engine));
  const largest = { promote: promote.logEMax, harm: said(harm), tokens: tokens.logEMax };
  const [keeps, harms, saves] = [
    leavesRoom(state.own, terms.margin) && isShown(largest.promote, terms.riskPromote), isShown(largest.harm, terms.riskHarm),
    isShown(largest.tokens, terms.riskPromote),
  ];
  const divided = divisorsOf(terms, state, state.lengths.blocks);
  const factor = terms.engine === 1 ? terms.dispersion : divided.answers.factor;
  const risks = [terms.riskPromote, terms.riskHarm].map((risk) => riskRead(divided.answers, risk));
  const found = onPairs
    ? pairsInterval(promote.pairs, ...(terms.engine === 1 ? [0.025, 0.025] : risks), factor)
    : terms.engine === 1 ? firstEffectInterval(state.effect, terms.margin) : effectInterval(state.effect, ...risks, factor);
  const effect = !isTried(state, terms) ? ownDifference(state, terms).em
    : terms.engine === 1 ? found : meet(correctedEffect(found, state.own), -terms.margin, keeps, harms);
  return {
    now: { promote: promote.logE, harm: harm.logE, tokens: tokens.logE }, largest, effect,
    saving: savingOf(state, terms, saves, divided.lengths),
  };
}

function savingOf(state, terms, saves, discount) {
  if (!isTried(state, terms)) return ownSaving(ownDifference(state, terms));
  if (terms.engine === 1) return savingInterval(state.lengths, 0.05, 1);
  const found = savingInterval(state.lengths, 2 * riskRead(discount, terms.riskPromote), discount.factor);
  if (found.estimate === null && state.bounded && state.bounded.pastB.tokens > 0) {
    found.estimate = 1 - meanLength(state.bounded.pastC) / meanLength(state.bounded.pastB);
  }
  return meet(correctedSaving(found, state.own), terms.minimumSaving, saves, false);
}

/** The assessment after each look, in order: one more than there are looks, the first before any. */
function replay(terms, columns, rows) {
  let state = begin(terms);
  const found = [{ look: null, ...assess(state, terms) }];
  for (const row of rows) {
    const look = lookOf(row, columns, terms);
    state = advance(state, look, terms);
    found.push({ look, ...assess(state, terms) });
  }
  return found;
}

/** A record's JSON as values; whole numbers that a number cannot hold are text. */
function parsedRecord(text) {
  return JSON.parse(text.replace(/"(?:[^"\\]|\\.)*"|\d{16,}/g, (each) => (each[0] === '"' ? each : `"${each}"`)));
}
