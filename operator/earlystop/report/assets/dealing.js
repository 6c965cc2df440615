// A look is split into parts: `evidence/split_look.py`. Answers are pairs [scored, match], of one arm.

const MOST_PARTS = 16;
const MOST_ANSWERS = 1_000_000;
const ANSWERS_A_PART = 20;
const MOST_GROUPS = 32;

/** A whole number in `count` whole numbers that differ by at most 1. */
function even(total, count) {
  const at = (part) => Math.floor((part * total) / count);
  return Array.from({ length: count }, (_, part) => at(part + 1) - at(part));
}

/** How many of `marked` among all items fall into parts of these sizes when the items are dealt at random. */
function drawn(random, sizes, marked) {
  let items = sum(sizes);
  return sizes.map((size) => {
    const inside = hypergeometric(random(), items, marked, size);
    items -= size;
    marked -= inside;
    return inside;
  });
}

/** How many marked items a draw without replacement holds, by the inverse of its law, from the most likely one outwards. */
function hypergeometric(uniform, items, marked, size) {
  const low = Math.max(0, size + marked - items);
  const high = Math.min(size, marked);
  if (low === high) return low;
  const mode = Math.min(Math.max(Math.floor(((size + 1) * (marked + 1)) / (items + 2)), low), high);
  const rest = items - marked - size;
  let [up, down] = [mode, mode];
  let above = Math.exp(
    logChoose(marked, mode) + logChoose(items - marked, size - mode) - logChoose(items, size),
  );
  let below = above;
  uniform -= above;
  while (uniform > 0 && (up < high || down > low)) {
    if (up < high) {
      above *= ((marked - up) * (size - up)) / ((up + 1) * (rest + up + 1));
      up += 1;
      uniform -= above;
      if (uniform <= 0) return up;
    }
    if (down > low) {
      below *= (down * (rest + down)) / ((marked - down + 1) * (size - down + 1));
      down -= 1;
      uniform -= below;
      if (uniform <= 0) return down;
    }
  }
  return mode;
}

const logChoose = (n, k) => logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1);

/** The answers of both arms in up to `most` parts of about 20 answers or more. */
function dealt([scoredB, matchB], [scoredC, matchC], random, most) {
  const whole = [[[scoredB, matchB], [scoredC, matchC]]];
  if (scoredB + scoredC > MOST_ANSWERS) return whole;
  const count = Math.min(Math.floor((scoredB + scoredC) / ANSWERS_A_PART), most, scoredB, scoredC);
  if (count < 2) return whole;
  const [sizesB, sizesC] = [even(scoredB, count), even(scoredC, count)];
  const [matchesB, matchesC] = [drawn(random, sizesB, matchB), drawn(random, sizesC, matchC)];
  return sizesB.map((size, part) => [[size, matchesB[part]], [sizesC[part], matchesC[part]]]);
}

/** Names of the query classes in which the candidate has answers, as Python sorts them: by code points. */
function namesOf(classes) {
  return sortedNames(Object.keys(classes).filter((name) => classes[name][1][0] > 0));
}

function sortedNames(names) {
  const points = (text) => Array.from(text, (each) => each.codePointAt(0));
  return names.sort((one, other) => {
    const [mine, theirs] = [points(one), points(other)];
    const place = mine.findIndex((point, index) => point !== theirs[index]);
    if (place < 0) return mine.length - theirs.length;
    return place < theirs.length ? mine[place] - theirs[place] : 1;
  });
}

/** One round with all answers. classes: name -> answers of both arms; a part is {name, baseline, candidate}. */
function inOneRound(classes) {
  return [namesOf(classes).map((name) => ({ name, baseline: classes[name][0], candidate: classes[name][1] }))];
}

/** The look in rounds: every class has its parts spread over all of them. */
function inRounds(classes, seed) {
  const names = namesOf(classes);
  const random = pythonRandom(seed);
  const most = Math.min(MOST_PARTS, Math.max(1, Math.floor(MOST_GROUPS / Math.max(1, names.length))));
  const parts = names.map((name) => dealt(...classes[name], random, most));
  const count = Math.max(0, ...parts.map((each) => each.length));
  const rounds = Array.from({ length: count }, () => []);
  names.forEach((name, index) => {
    parts[index].forEach(([baseline, candidate], place) => {
      const round = Math.floor(((2 * place + 1) * count) / (2 * parts[index].length));
      rounds[round].push({ name, baseline, candidate });
    });
  });
  return rounds;
}
