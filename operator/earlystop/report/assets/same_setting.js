// Cohorts that were watched with the same setting first (A/A): `evidence/same_setting.py` and
// `evidence/own_difference.py`.

const BOUND_PART = 0.2;
const LEAST_ROOM = 0.25;
const [LEAST_MARGIN, LARGEST_MARGIN] = [0.0001, 0.9999];

const isTried = (state, terms) => !terms.sameSettingSteps || state.own !== null;
const boundRisk = (risk) => (risk * BOUND_PART) / (1 - BOUND_PART);
const leavesRoom = (own, margin) => own === null || margin - own.em.high >= LEAST_ROOM * margin;

/** What cohorts differ by with the same setting. */
function ownDifference(state, terms) {
  if (state.own !== null) return state.own;
  const divided = divisorsOf(terms, state, state.lengths.blocks);
  const [promote, harm] = [boundRisk(terms.riskPromote), boundRisk(terms.riskHarm)];
  const em = effectInterval(state.effect, harm, promote, divided.answers.factor);
  const saving = savingInterval(state.lengths, 2 * promote, divided.lengths.factor);
  const [keepLow, keep, keepHigh] = [saving.high, saving.estimate, saving.low].map((each) => each === null ? null : 1 - each);
  return { em, keepLow, keep, keepHigh };
}

const fromKeep = (keep) => (keep === null ? null : 1 - keep);
const ownSaving = ({ keepLow, keep, keepHigh }) =>
  ({ estimate: fromKeep(keep), low: fromKeep(keepHigh), high: fromKeep(keepLow) });

const scatterAnew = (scatter) =>
  scatter.map((each) => ({ ...each, looks: 0, sums: [0, 0, 0], parts: [] }));

/** Before the first look in which the setting is tried. */
function triedNow(state, terms) {
  const own = ownDifference(state, terms);
  const left = (bound) => within(terms.margin - bound, LEAST_MARGIN, LARGEST_MARGIN);
  const saving = within(1 - (1 - terms.minimumSaving) * (own.keepLow || LEAST_MARGIN), 0, LARGEST_MARGIN);
  return {
    ...state, own,
    promote: startExactMatch(left(own.em.high), PROMOTE), harm: startExactMatch(left(own.em.low), HARM),
    lengths: { ...startLengths(saving, terms.engine), blocks: scatterAnew(state.lengths.blocks) },
    bounded: state.bounded && startBounded(saving, terms.longestAnswer),
    effect: startEffect(terms.margin), arms: { ...state.arms, answers: scatterAnew(state.arms.answers) },
  };
}

/** What the setting does to EM, where `seen` is the difference while it is tried. */
function correctedEffect(seen, own) {
  if (own === null) return seen;
  const estimate = seen.estimate === null || own.em.estimate === null ? null : within(seen.estimate - own.em.estimate, -1, 1);
  return { estimate, low: Math.max(-1, seen.low - own.em.high), high: Math.min(1, seen.high - own.em.low) };
}

function correctedSaving(seen, own) {
  if (own === null) return seen;
  const part = (saving, keep) => (saving === null || !keep ? null : 1 - (1 - saving) / keep);
  return {
    estimate: part(seen.estimate, own.keep), low: part(seen.low, own.keepLow), high: part(seen.high, own.keepHigh),
  };
}
