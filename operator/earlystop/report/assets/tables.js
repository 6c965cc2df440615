// Tables of what was recomputed. Every text is set as text, never as markup.

const clock = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ");
const withInterval = ({ estimate, low, high }, digits, sign) => {
  if (estimate === null) return "not known yet";
  const text = (value) => (value === null ? "?" : sign ? signed(100 * value, digits) : (100 * value).toFixed(digits));
  return `${text(estimate)} [${text(low)}, ${text(high)}]`;
};

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  if (text !== null) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

/** The rows of a table of looks. */
function fillLooks(body, assessments) {
  assessments.slice(1).forEach(({ look, now, effect, saving }, index) => {
    const row = element("tr", null);
    row.append(element("th", String(index + 1), { scope: "row" }));
    const cells = [
      clock(look.at), `${look.weight} %`,
      `${look.baseline.match + look.baseline.mismatch}`, `${look.candidate.match + look.candidate.mismatch}`,
      withInterval(effect, 1, true), withInterval(saving, 0, false),
      ...["promote", "harm", "tokens"].map((name) => now[name].toFixed(3)),
    ];
    cells.forEach((text) => row.append(element("td", text)));
    body.append(row);
  });
}
