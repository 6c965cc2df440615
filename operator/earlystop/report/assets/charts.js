// Plots, drawn by uPlot. Each is a picture of numbers that stand in a table beside it.

const COLOURS = { blue: "#0b5cad", red: "#b3261e", green: "#1b6b32", violet: "#6a3d9a", grey: "#5f6368" };
const HEIGHT = 240;
/** Pixels by which the plot of all settings is higher for each of them, and how high it is at most. */
const [EACH_SETTING, MOST_HEIGHT] = [14, 480];
const LABEL_HEIGHT = 15;
const LEAST_WIDTH = 260;
const inHundredths = (value) => (value === null ? null : 100 * value);

/** A number with its sign, and as "+0.0" where it is rounded to zero, as elsewhere. */
function signed(value, digits) {
  const text = value.toFixed(digits);
  return Number(text) < 0 ? text : `+${text.replace("-", "")}`;
}

const HOUR = 3600;
const DAY = 24 * HOUR;
// Seconds between marks and, for each, how a mark, one of a new year, of a new day and of a new month is written.
const TIME_FORMATS = [
  [DAY, "{DD} {MMM}", "\n{YYYY}", null, null, null, null, null, 1],
  [HOUR, "{HH}:{mm}", "\n{DD} {MMM} {YYYY}", null, "\n{DD} {MMM}", null, null, null, 1],
  [60, "{HH}:{mm}", "\n{DD} {MMM} {YYYY}", null, "\n{DD} {MMM}", null, null, null, 1],
  [1, "{HH}:{mm}:{ss}", "\n{DD} {MMM} {YYYY}", null, "\n{DD} {MMM}", null, null, null, 1],
];

const AXIS = { stroke: "#333", grid: { stroke: "#e3e3e3", width: 1 }, ticks: { stroke: "#999", width: 1 } };

/** What an axis of evidence says beside its marks: the risk of a claim that has come so far. */
const riskAt = (logE) => (logE < 0.01 ? "no sign" : `1 in ${Math.round(Math.exp(logE)).toLocaleString("en")}`);

/** The lines at which claims are proven: one where both are the same, since the second would hide the first. */
function linesOf(promoteLine, harmLine) {
  if (promoteLine === harmLine) return [{ label: `line of a promotion and of harm: ${riskAt(harmLine)}`, value: harmLine }];
  return [
    { label: `line of a promotion: ${riskAt(promoteLine)}`, value: promoteLine },
    { label: `line of harm: ${riskAt(harmLine)}`, value: harmLine, colour: COLOURS.red },
  ];
}

/** Marks of an axis of evidence: no sign, and so many powers of ten above it as there is room for. */
function risksBetween(low, high) {
  const apart = Math.LN10 * Math.max(1, Math.ceil((high - low) / (6 * Math.LN10)));
  const marks = [];
  for (let at = Math.max(0, Math.ceil(low / apart)); at * apart <= high; at += 1) marks.push(at * apart);
  return marks;
}

/** Seconds from one end of the axis of time to the other, at least: looks are seldom closer to each other. */
const LEAST_SECONDS = 60;

/** The ends of the axis of time: a single look stands in the middle of it. */
function spanOf(times) {
  const [first, last] = [times[0], times[times.length - 1]];
  const room = Math.max(0, LEAST_SECONDS - (last - first)) / 2;
  return [first - room, last + room];
}

/** Bounds of an axis: those of the later looks, since the first ones bound nothing yet. */
function rangeOf(columns) {
  const later = columns.flatMap((values) => values.slice(Math.floor(values.length / 4)));
  const known = later.filter((value) => Number.isFinite(value));
  if (!known.length) return [0, 1];
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const room = 0.08 * (high - low) || 1;
  return [low - room, high + room];
}

/** How the line of a series is drawn, for the piece of it beside its name. */
function strokeOf(plot, index) {
  const dash = plot.series[index].dash;
  return !dash?.length ? "solid" : dash[0] < 4 ? "dotted" : "dashed";
}

const widthOf = (host) => Math.max(LEAST_WIDTH, host.clientWidth);

/** Pixels of A4 between its usual margins, for a plot beside another or alone; a style fits it to other papers. */
const sizeOnPaper = (host, height) => ({ width: host.closest(".plots") ? 345 : 720, height: height - 50 });

/** Pixels that the marks of an upright axis take beside the plot: those of the longest. */
function widthOfMarks(plot, values, index, cycle) {
  const axis = plot.axes[index];
  // As found before: uPlot asks again while it fits the axes to each other.
  if (cycle > 1) return axis._size;
  plot.ctx.font = axis.font[0];
  const longest = Math.max(...(values ?? [""]).map((each) => plot.ctx.measureText(each ?? "").width));
  return Math.max(60, Math.ceil(axis.ticks.size + axis.gap + 6 + longest / uPlot.pxRatio));
}

/** The interval that is known at one look alone: an upright bar, as there is no band between two points. bounds: the columns of its ends. */
function barOfOneLook(bounds, colour) {
  return (plot) => {
    const [context, at] = [plot.ctx, plot.data[bounds[0]].findIndex((value) => value !== null)];
    const [high, low] = bounds.map((column) => plot.data[column][at] ?? null);
    if (high === null || low === null) return;
    const x = Math.round(plot.valToPos(plot.data[0][at], "x", true));
    context.save();
    context.strokeStyle = colour;
    context.lineWidth = 1.5 * uPlot.pxRatio;
    context.setLineDash([]);
    context.beginPath();
    context.moveTo(x, plot.valToPos(high, "y", true));
    context.lineTo(x, plot.valToPos(low, "y", true));
    context.stroke();
    context.restore();
  };
}

/** A plot that is as wide as its host, also when that changes. Bounds of bands are not named below it. */
function draw(host, options, columns) {
  const { height = HEIGHT } = options;
  const plot = new uPlot({ width: widthOf(host), height, ...options }, columns, host);
  // Its host is the picture, with a text; below it are no tables to read.
  plot.root.setAttribute("aria-hidden", "true");
  host.querySelectorAll(".u-legend .u-series").forEach((row, index) => {
    // The times, which come first, have no row.
    if (options.series[index + 1].isBound) row.style.display = "none";
  });
  new ResizeObserver(() => {
    const width = widthOf(host);
    if (width !== plot.width) plot.setSize({ width, height });
  }).observe(host);
  addEventListener("beforeprint", () => plot.setSize(sizeOnPaper(host, height)));
  addEventListener("afterprint", () => plot.setSize({ width: widthOf(host), height }));
}

/**
 * Curves over the times of looks.
 * curves: {label, values, colour, dash, low, high, stepped}; low and high: the bounds of a band.
 * lines: {label, value, colour}, each a decision or a limit. least: where the axis begins at most. within: values that
 * are further from 0 than this are drawn at its ends. isEvidence: whether the axis says risks. A plot of nothing says so.
 */
function drawOverTime(host, times, curves, lines, unit, { least = Infinity, within = Infinity, isEvidence = false } = {}) {
  if (curves.every(({ values }) => values.every((value) => value === null))) {
    host.classList.add("empty");
    host.append(element("p", "Not known at any look."));
    return;
  }
  const [from, to] = spanOf(times);
  const isPadded = from < times[0];
  const padded = (values, end) => (isPadded ? [end, ...values, end] : values);
  const drawn = (value) => (value === null ? null : Math.max(-within, Math.min(within, value)));
  const [series, columns, bands, bars] = [[{}], [isPadded ? [from, ...times, to] : times], [], []];
  const known = (values) => values.filter((value) => value !== null).length;
  const add = (values, one) => {
    columns.push(padded(values.map(drawn), null));
    series.push({ points: { show: known(values) < 3 }, spanGaps: true, ...one });
  };
  for (const { label, values, colour, dash, low, high, stepped } of curves) {
    if (low) {
      for (const bound of [high, low]) {
        add(bound, { label, isBound: true, stroke: colour, width: 0.5, points: { show: known(bound) < 2 } });
      }
      bands.push({ series: [columns.length - 2, columns.length - 1], fill: `${colour}22` });
      if (known(low) < 2) bars.push(barOfOneLook([columns.length - 2, columns.length - 1], colour));
    }
    const paths = stepped ? { paths: uPlot.paths.stepped({ align: -1 }) } : {};
    add(values, { label, stroke: colour, width: 2, dash, ...paths });
  }
  for (const { label, value, colour } of lines) {
    columns.push(columns[0].map(() => value));
    series.push({ label, stroke: colour ?? COLOURS.grey, width: 1.5, dash: [6, 4], points: { show: false } });
  }
  const [low, high] = rangeOf(columns.slice(1));
  const marks = isEvidence
    ? { splits: (_plot, _axis, lowest, highest) => risksBetween(lowest, highest), values: (_plot, found) => found.map(riskAt) }
    : {};
  draw(host, {
    series, bands, hooks: { draw: bars }, legend: { live: false, markers: { width: 2, dash: strokeOf } }, cursor: { y: false, drag: { x: false, y: false } }, padding: [null, 36, null, null],
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    scales: { x: { time: true, range: () => [from, to] }, y: { range: () => [Math.max(Math.min(low, least), -within), Math.min(high, within)] } },
    axes: [{ ...AXIS, space: 72, values: TIME_FORMATS, label: "time, UTC", labelSize: 18 }, { ...AXIS, size: widthOfMarks, ...marks, label: unit, labelSize: 18 }],
  }, columns);
}

/** Where a label may begin beside a point: at its right and at its left, as far as there is room; else as far left as there is. */
function labelStarts(point, length, from, to, gap) {
  const [right, left] = [point + gap, point - gap - length];
  const found = [...(right + length <= to ? [right] : []), ...(left >= from ? [left] : [])];
  return found.length ? found : [from];
}

const areApart = (one, other) =>
  one.right <= other.left || other.right <= one.left || one.bottom <= other.top || other.bottom <= one.top;

/**
 * Where labels stand, each {left, right, top, bottom}: where it is meant to or, where something is in its way, as few lines
 * below or above as it takes. No label lies on another, and none on what is drawn while there is a place beside it.
 * labels: {lefts, width, bottom}, lefts: where it may begin, by preference. drawn: rectangles. top, bottom: of the plot.
 */
function placedLabels(labels, drawn, { top, bottom }, lineHeight) {
  const placed = [];
  for (const { lefts, width, bottom: wanted } of labels) {
    const places = [];
    for (let lines = 0; Math.abs(lines) * lineHeight <= bottom - top; lines = lines > 0 ? -lines : 1 - lines) {
      const below = wanted + lines * lineHeight;
      if (below > bottom || below - lineHeight < top) continue;
      places.push(...lefts.map((left) => ({ left, right: left + width, top: below - lineHeight, bottom: below })));
    }
    const find = (others) => places.find((place) => others.every((other) => areApart(place, other)));
    placed.push(find([...placed, ...drawn]) ?? find(placed) ?? places[0]);
  }
  return placed;
}

/** Each of these once: a later verdict on the same evidence, as an abort's, measures nothing anew. */
function differentSettings(settings) {
  return [...new Map(settings.map((each) => [JSON.stringify(each), each])).values()];
}

const isMeasured = ({ effect, saving }) => effect.estimate !== null && saving.estimate !== null;

/** Settings by what they save (across) and by what they lose (up), each with its interval. Gives whether there are any. */
function drawTradeOff(host, settings, lines) {
  const placed = differentSettings(settings.filter(isMeasured));
  placed.sort((one, other) => one.saving.estimate - other.saving.estimate);
  if (!placed.length) return false;
  const reach = (name) => placed.flatMap((each) => [each[name].low, each[name].estimate, each[name].high])
    .filter((value) => value !== null);
  const room = (values) => [Math.min(...values) - 5, Math.max(...values) + 5];
  const columns = [placed.map(({ saving }) => saving.estimate), placed.map(({ effect }) => effect.estimate)];
  const bars = (plot) => {
    const [context, ratio] = [plot.ctx, uPlot.pxRatio];
    const [x, y] = ["x", "y"].map((scale) => (value) => plot.valToPos(value, scale, true));
    context.save();
    context.lineWidth = 1.5 * ratio;
    context.textAlign = "left";
    context.font = `${12 * ratio}px system-ui, sans-serif`;
    const stroke = (colour, from, to, dash = []) => {
      context.strokeStyle = colour;
      context.setLineDash(dash);
      context.beginPath();
      context.moveTo(...from);
      context.lineTo(...to);
      context.stroke();
    };
    const { left, top, width, height } = plot.bbox;
    for (const { value, across } of lines) {
      const [from, to] = across
        ? [[left, y(value)], [left + width, y(value)]]
        : [[x(value), top], [x(value), top + height]];
      stroke(COLOURS.grey, from, to, [6 * ratio, 4 * ratio]);
    }
    const [labels, drawn] = [[], []];
    for (const { name, effect, saving } of placed) {
      const [across, up] = [x(saving.estimate), y(effect.estimate)];
      const [low, high] = [y(effect.low ?? -100), y(effect.high ?? 100)];
      const [from, to] = [x(saving.low ?? -100), x(saving.high ?? 100)];
      stroke(COLOURS.blue, [across, low], [across, high]);
      stroke(COLOURS.blue, [from, up], [to, up]);
      const box = (width, height) => ({ left: across - width, right: across + width, top: up - height, bottom: up + height });
      drawn.push({ ...box(ratio, 0), top: high, bottom: low }, { ...box(0, ratio), left: from, right: to }, box(5 * ratio, 5 * ratio));
      const length = context.measureText(name).width;
      labels.push({ lefts: labelStarts(across, length, left, left + width, 7 * ratio), width: length, bottom: up - 2 * ratio, point: [across, up] });
    }
    const places = placedLabels(labels, drawn, { top, bottom: top + height }, LABEL_HEIGHT * ratio);
    // A label that had to go further than to the next line is led back to its point.
    places.forEach((place, index) => {
      const { bottom, point } = labels[index];
      const near = place.left > point[0] ? place.left - 2 * ratio : place.right + 2 * ratio;
      if (Math.abs(place.bottom - bottom) > LABEL_HEIGHT * ratio) stroke(COLOURS.grey, point, [near, place.bottom - 7 * ratio]);
    });
    context.fillStyle = "#1a1a1a";
    context.strokeStyle = "#ffffff";
    // A white edge, where a dashed line passes behind a label.
    context.lineWidth = 3 * ratio;
    context.setLineDash([]);
    places.forEach(({ left: from, bottom: below }, index) => {
      const text = [placed[index].name, from, below - 3 * ratio];
      context.strokeText(...text);
      context.fillText(...text);
    });
    context.restore();
  };
  const [across, up] = [room([...reach("saving"), ...lines.filter((each) => !each.across).map((each) => each.value)]),
    room([...reach("effect"), ...lines.filter((each) => each.across).map((each) => each.value)])];
  draw(host, {
    height: Math.min(MOST_HEIGHT, HEIGHT + EACH_SETTING * placed.length),
    series: [{}, { label: "setting", stroke: COLOURS.blue, paths: () => null, points: { show: true, size: 9, fill: COLOURS.blue } }],
    legend: { show: false }, cursor: { show: false }, hooks: { draw: [bars] },
    scales: { x: { time: false, range: () => across }, y: { range: () => up } },
    axes: [{ ...AXIS, label: "tokens saved, %", labelSize: 18 }, { ...AXIS, size: widthOfMarks, label: "EM, points", labelSize: 18 }],
  }, columns);
  return true;
}
