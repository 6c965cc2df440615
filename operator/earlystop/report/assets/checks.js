// Whether a record is what its looks give. Each check answers with sentences, none where it holds.

const ROUNDING = 1e-9;
const CLAIMS = { promote: "the loss of Exact Match is within the margin", harm: "harm", tokens: "tokens are saved" };
const INTERVAL = /^([+-]?[\d.]+)(?: %)? \[([^,]+), ([^\]]+)\]$/;

/** Numbers of an interval as people read it, "-0.4 [-1.6, +0.8]"; null for a bound "?" and for all of "not known yet". */
function numbersIn(text) {
  const found = INTERVAL.exec(text);
  if (!found) return { estimate: null, low: null, high: null };
  const [estimate, low, high] = found.slice(1).map((each) => (each.trim() === "?" ? null : Number(each)));
  return { estimate, low, high };
}

/** The parts of a record that were judged by looks: the candidate that it is about, and those beside it. */
function judgedIn(record) {
  return [record, ...(record.others ?? [])];
}

/** Names of the columns of looks: the first line of a table, or a list in records of earlier releases. */
function columnsIn(record) {
  return record.columns ?? record.lookTable.split("\n", 1)[0].split(" ");
}

/** The looks of a part of a record as rows of numbers. One a line stand in a table, the time of each first; a number
 * that a float may not hold stays text. */
function rowsIn(part, record) {
  if (part.looks) return part.looks;
  const lines = part.lookTable ? part.lookTable.split("\n") : [];
  return (part === record ? lines.slice(1) : lines).map((line) => {
    const [at, ...counts] = line.split(" ");
    return [Date.parse(at) / 1000, ...counts.map((each) => (each.length > 15 ? each : Number(each)))];
  });
}

/** Each comparison of a record, repeated. terms: what each had to prove, in the same order. */
function comparisonsOf(record, terms) {
  const judged = judgedIn(record);
  if (terms.length !== judged.length) throw new Error("the page does not say what each candidate had to prove");
  return judged.map((stored, index) => ({
    stored, terms: terms[index].terms, candidate: stored.candidate,
    assessments: replay(terms[index].terms, columnsIn(record), rowsIn(stored, record)),
  }));
}

/** Where a record says something else than its looks give. */
function evidenceDifferences(comparisons) {
  return comparisons.flatMap(({ stored, candidate, assessments }) => {
    const last = assessments.at(-1);
    const values = Object.entries(CLAIMS).flatMap(([name, claim]) => {
      const [said, again] = [Number(stored.logE[name]), last.largest[name]];
      if (Math.abs(said - again) <= ROUNDING * Math.max(1, Math.abs(again))) return [];
      return [`The looks of ${candidate} give a log e-value of ${again} for "${claim}", the record says ${said}.`];
    });
    const shown = { effect: ["its effect on EM", 1], saving: ["the tokens that it saves", 0] };
    const intervals = Object.entries(shown).flatMap(([name, [what, digits]]) => {
      const [said, again] = [numbersIn(stored[name]), last[name]];
      const isNear = (bound) => isRoundedTo(said[bound], again.estimate === null ? null : again[bound], digits);
      if (["estimate", "low", "high"].every(isNear)) return [];
      return [`The looks of ${candidate} do not give what the record says of ${what}: ${stored[name]}.`];
    });
    return [...values, ...intervals];
  });
}

/** Whether a number with so many digits is this fraction in hundredths, rounded. */
function isRoundedTo(said, fraction, digits) {
  if (said === null || fraction === null) return said === fraction;
  return Math.abs(said - 100 * fraction) <= 0.5 * 10 ** -digits + 1e-6;
}

/** The sha256 of a text in hexadecimal digits; null where a browser offers none, as on an unencrypted page. */
async function digestOf(text) {
  const subtle = globalThis.crypto?.subtle;
  if (!subtle) return null;
  const bytes = new Uint8Array(await subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return `sha256:${Array.from(bytes, (each) => each.toString(16).padStart(2, "0")).join("")}`;
}
