// The page: it repeats the evidence of its record, says whether it holds, and draws it.

/** Evidence is drawn up to so many times the higher line: what is beyond is proven, however far. */
const MOST_LINES = 3;

const byId = (id) => document.getElementById(id);

function plotComparison(host, comparison) {
  const { terms, assessments } = comparison;
  const looks = assessments.slice(1);
  const find = (name) => host.querySelector(`[data-plot="${name}"]`);
  fillLooks(host.querySelector(".looks tbody"), assessments);
  if (!looks.length) return;
  const times = looks.map(({ look }) => look.at);
  const of = (name, bound) => looks.map((each) => (each[name].estimate === null ? null : inHundredths(each[name][bound])));
  const band = (name, label, colour) => ({
    label, colour, values: of(name, "estimate"), low: of(name, "low"), high: of(name, "high"),
  });
  const [harmLine, promoteLine] = [-Math.log(terms.riskHarm), -Math.log(terms.riskPromote)];
  drawOverTime(find("effect"), times, [band("effect", "candidate minus baseline", COLOURS.blue)],
    [{ label: "no difference", value: 0 }, { label: "margin", value: -100 * terms.margin, colour: COLOURS.red }], "points of EM");
  drawOverTime(find("saving"), times, [band("saving", "tokens saved", COLOURS.green)],
    [{ label: "must be saved", value: 100 * terms.minimumSaving, colour: COLOURS.red }], "% of tokens");
  const evidence = (name) => looks.map(({ now }) => now[name]);
  drawOverTime(find("evidence"), times, [
    { label: "within the margin", values: evidence("promote"), colour: COLOURS.blue },
    { label: "tokens are saved", values: evidence("tokens"), colour: COLOURS.green, dash: [10, 3] },
    { label: "harm", values: evidence("harm"), colour: COLOURS.red, dash: [3, 3] },
  ], linesOf(promoteLine, harmLine), "risk of error", { within: MOST_LINES * Math.max(promoteLine, harmLine), isEvidence: true });
  // Nobody is led where candidates are judged in shadow.
  const weight = find("weight");
  if (weight) drawOverTime(weight, times,
    [{ label: "candidate's weight", values: looks.map(({ look }) => look.weight), colour: COLOURS.violet, stepped: true }],
    [], "% of requests", { least: 0 });
}

function plotTradeOff(comparisons) {
  const rows = Array.from(document.querySelectorAll("#settings tbody tr"));
  const [nameOf, campaignOf] = [0, 1].map((cell) => (row) => row.cells[cell].textContent);
  const areSeveral = new Set(rows.map(campaignOf)).size > 1;
  const settings = rows.map((row) => ({
    name: areSeveral ? `${nameOf(row)} (${campaignOf(row)})` : nameOf(row), effect: numbersIn(cellOf(row, "effect")), saving: numbersIn(cellOf(row, "saving")),
  }));
  const { margin, minimumSaving } = comparisons[0].terms;
  const host = document.querySelector('[data-plot="trade-off"]');
  const isDrawn = drawTradeOff(host, settings, [
    { value: -100 * margin, across: true }, { value: 100 * minimumSaving, across: false },
  ]);
  if (!isDrawn) host.closest("figure").hidden = true;
  const others = [...new Set(settings.filter((each) => !isMeasured(each)).map(({ name }) => name))].join(", ");
  if (isDrawn && others) host.after(element("p", `Not drawn, since what is lost or saved was not known yet: ${others}.`));
}

async function digestDifferences(recordText, termsText, shown) {
  const [record, terms, page] = await Promise.all([recordText, termsText, shown].map(digestOf));
  if (record === null) return { problems: [], note: "This browser offers no digests here, so those of the record and of the rest of the page were not checked." };
  const problems = [];
  if (record !== byId("digest").textContent) problems.push("The digest is not that of this record: it was changed after it was made.");
  if (terms !== byId("terms").dataset.digest) problems.push("What the candidates had to prove was changed after this page was made.");
  if (page !== document.body.dataset.shown) problems.push("What this page shows was changed after it was made.");
  return { problems, note: "" };
}

/** Say in red what is wrong, first thing; what was found when the page was made stays there. */
function showProblems(problems) {
  const check = byId("check");
  check.className = "bad";
  check.setAttribute("role", "alert");
  check.querySelector("h2").textContent = "This verdict does not verify";
  byId("checked").textContent = "Do not act on it. What was found:";
  problems.forEach((each) => byId("problems").append(element("li", each)));
  document.title = `DOES NOT VERIFY: ${document.title}`;
}

function showRight(comparisons, note) {
  const looks = comparisons.reduce((total, each) => total + each.assessments.length - 1, 0);
  const check = byId("check");
  check.className = "good";
  check.querySelector("h2").textContent = "This verdict verifies";
  byId("checked").textContent =
    `This page has repeated the evidence from ${looks} ${looks === 1 ? "look" : "looks"} in your browser, and has found what the record says. ${note}`;
}

/** The text of the record, which a long one is compressed in. Raises an error where a character of it was changed. */
async function recordIn(host) {
  if (!host.dataset.packed) return host.textContent;
  const bytes = Uint8Array.from(atob(host.textContent), (each) => each.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
}

async function main() {
  const shown = shownText();
  const termsText = byId("terms").textContent;
  const problems = [];
  let [comparisons, note] = [[], ""];
  try {
    const recordText = await recordIn(byId("record"));
    const record = parsedRecord(recordText);
    comparisons = comparisonsOf(record, JSON.parse(termsText));
    const digests = await digestDifferences(recordText, termsText, shown);
    note = digests.note;
    problems.push(...digests.problems, ...evidenceDifferences(comparisons), ...textDifferences(record));
  } catch (error) {
    problems.push(`The evidence cannot be repeated: ${error.message}.`);
  }
  const wasBad = byId("check").className === "bad";
  if (problems.length || wasBad) showProblems(problems);
  else showRight(comparisons, note);
  const hosts = document.querySelectorAll("section.comparison");
  comparisons.forEach((comparison, index) => plotComparison(hosts[index], comparison));
  if (comparisons.length) plotTradeOff(comparisons);
  document.body.dataset.checked = "yes";
}

// What stands after the script is part of the page as well.
document.addEventListener("DOMContentLoaded", main);
