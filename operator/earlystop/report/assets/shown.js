// What a page shows: the texts that its record holds, and the digest of all of it (`report/shown.py`).

/** What stands where a record has no such value. */
const WHERE_ABSENT = { before: "left to clients", after: "left to clients" };
const LONGEST_TEXT = 1024;

/** A text with one space for each run of blanks, and without the characters that a browser leaves out or replaces. */
const plainText = (text) => text.replace(/[\0\ufffd]/g, "").replace(/[ \t\n\f\r]+/g, " ");

/** Everything in an element, as nested lists. omitted: elements that are checked otherwise, or not shown. */
function contentOf(host, omitted) {
  return Array.from(host.childNodes).flatMap((each) => {
    if (each.nodeType === Node.TEXT_NODE) return ["", " "].includes(plainText(each.data)) ? [] : [plainText(each.data)];
    if (each.nodeType !== Node.ELEMENT_NODE || omitted.includes(each)) return [];
    const attributes = Array.from(each.attributes, ({ name, value }) => [name, plainText(value)]);
    return [[each.localName, attributes, contentOf(each, omitted)]];
  });
}

/** All that the page shows, as the text that its digest is of. To be taken before the page is changed. */
function shownText() {
  const omitted = [byId("record"), byId("terms"), document.scripts[0], ...document.querySelectorAll("noscript")];
  return JSON.stringify([plainText(document.title), contentOf(document.body, omitted)]);
}

const textIn = (cell) => cell.textContent;
const cellOf = (row, name) => row.querySelector(`.${name}`).textContent;

/** Rows of the settings that the verdict judged: [shown, recorded, name]. */
function settingTexts(record) {
  const rows = Array.from(document.querySelectorAll("#settings tr.own")).slice(0, judgedIn(record).length);
  return rows.flatMap((row, index) => {
    const judged = judgedIn(record)[index];
    const dropped = judged.reason ? `dropped (${judged.reason})` : "not decided about";
    const outcome = index === 0 ? `${record.decision} (${record.reason})` : dropped;
    const [candidate, campaign] = Array.from(row.cells, textIn);
    return [
      [candidate, judged.candidate, "candidate"], [campaign, record.campaign, "campaign"],
      [cellOf(row, "effect"), judged.effect, "effect"], [cellOf(row, "saving"), judged.saving, "saving"],
      [textIn(row.cells[row.cells.length - 1]), outcome, "outcome"],
    ];
  });
}

/** The row of the verdict among those of the policy: [shown, recorded, name]. */
function decisionTexts(record) {
  const approval = record.rejectedBy ? `rejected by ${record.rejectedBy}` : (record.approvedBy ?? []).join(", ");
  const recorded = {
    at: record.at, campaign: record.campaign, decision: `${record.decision} (${record.reason})`, candidate: record.candidate,
    message: record.message, requestedBy: record.requestedBy || "nobody",
    approval: Array.from(approval).slice(0, LONGEST_TEXT).join("") || "nobody",
  };
  return Array.from(document.querySelectorAll("#decisions tr.own")).flatMap((row) =>
    Object.entries(recorded).map(([name, text], cell) => [textIn(row.cells[cell]), text, name]));
}

/** Elements that name what they repeat of the record: [shown, recorded, name]. */
function namedTexts(record) {
  return Array.from(document.querySelectorAll("[data-record]")).flatMap((each) => {
    const path = each.dataset.record.split(".");
    const found = path.reduce((value, key) => value?.[key], record) ?? WHERE_ABSENT[path.at(-1)] ?? "";
    const recorded = Array.isArray(found) ? found.join(", ") : found;
    const shown = each.hasAttribute("datetime") ? [each.textContent, each.getAttribute("datetime")] : [each.textContent];
    return shown.map((text) => [text, recorded, each.dataset.record]);
  });
}

/** Texts that the page repeats from its record, and that are not the record's any more. */
function textDifferences(record) {
  return [...namedTexts(record), ...settingTexts(record), ...decisionTexts(record)]
    .filter(([shown, recorded]) => plainText(shown) !== plainText(String(recorded)))
    .map(([shown, , name]) => `The page says "${shown}" where the record has another ${name}.`);
}
