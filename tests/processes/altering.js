// Changes each text and attribute of a page once, and says which changes its checks do not find.
const record = parsedRecord(byId("record").textContent);
const [missed, unnamed] = [[], []];
let changes = 0;
const untouched = shownText();
const tried = (what, set, before) => {
  changes++;
  set(`${before}9`);
  if (shownText() === untouched) missed.push(what);
  set(before);
};
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_ALL);
const checkedOtherwise = "#record, #terms, script, noscript";
for (let node = walker.nextNode(); node; node = walker.nextNode()) {
  const within = node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement;
  if (within.closest(checkedOtherwise)) continue;
  if (node.nodeType === Node.TEXT_NODE) tried(`text ${node.data}`, (text) => { node.data = text; }, node.data);
  for (const { name, value } of Array.from(node.attributes ?? [])) {
    tried(`${node.localName}[${name}]`, (text) => node.setAttribute(name, text), value);
  }
}
const cells = "#settings tr.own > :not(:nth-child(3)), #decisions tr.own > :not(:last-child)";
const recorded = Array.from(document.querySelectorAll(`[data-record], ${cells}`));
const differencesAtFirst = textDifferences(record);
for (const each of recorded) {
  const before = each.textContent;
  each.textContent = `${before}9`;
  if (!textDifferences(record).some((sentence) => sentence.includes(`${before}9`))) unnamed.push(before);
  each.textContent = before;
}
digestOf(untouched).then((digest) => {
  const isSame = digest === document.body.dataset.shown;
  const found = { isSame, changes, recorded: recorded.length, missed, unnamed, differencesAtFirst };
  document.body.append(element("pre", JSON.stringify(found), { id: "found" }));
});
