// Plots, drawn by uPlot. Each is a picture of numbers that stand in a table beside it.

const COLOURS = { blue: "#0b5cad", red: "#b3261e", green: "#1b6b32", violet: "#6a3d9a", grey: "#5f6368" };
const HEIGHT = 240;
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
const sizeOnPaper = (host) => ({ width: host.closest(".plots") ? 345 : 720, height: 190 });

/** The interval of a single look: an upright bar, as there is no band between two points. bounds: the columns of its ends. */
function barOfOneLook(bounds, colour) {
  return (plot) => {
    const [context, at] = [plot.ctx, Math.floor(plot.data[0].length / 2)];
    const [high, low] = bounds.map((column) => plot.data[column][at]);
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
  const plot = new uPlot({ width: widthOf(host), height: HEIGHT, ...options }, columns, host);
  plot.root.setAttribute("aria-hidden", "true"); // its host is the picture, with a text; below it are no tables to read
  host.querySelectorAll(".u-legend .u-series").forEach((row, index) => {
    if (options.series[index + 1].isBound) row.style.display = "none"; // the times, which come first, have no row
  });
  new ResizeObserver(() => {
    const width = widthOf(host);
    if (width !== plot.width) plot.setSize({ width, height: HEIGHT });
  }).observe(host);
  addEventListener("beforeprint", () => plot.setSize(sizeOnPaper(host)));
  addEventListener("afterprint", () => plot.setSize({ width: widthOf(host), height: HEIGHT }));
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
  const add = (values, one) => {
    columns.push(padded(values.map(drawn), null));
    series.push({ points: { show: times.length < 3 }, spanGaps: true, ...one });
  };
  for (const { label, values, colour, dash, low, high, stepped } of curves) {
    if (low) {
      for (const bound of [high, low]) {
        add(bound, { label, isBound: true, stroke: colour, width: 0.5, points: { show: times.length < 2 } });
      }
      bands.push({ series: [columns.length - 2, columns.length - 1], fill: `${colour}22` });
      if (times.length < 2) bars.push(barOfOneLook([columns.length - 2, columns.length - 1], colour));
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
    ? { size: 76, splits: (_plot, _axis, lowest, highest) => risksBetween(lowest, highest), values: (_plot, found) => found.map(riskAt) }
    : { size: 60 };
  draw(host, {
    series, bands, hooks: { draw: bars }, legend: { live: false, markers: { width: 2, dash: strokeOf } }, cursor: { y: false, drag: { x: false, y: false } }, padding: [null, 36, null, null],
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    scales: { x: { time: true, range: () => [from, to] }, y: { range: () => [Math.max(Math.min(low, least), -within), Math.min(high, within)] } },
    axes: [{ ...AXIS, space: 72, values: TIME_FORMATS, label: "time, UTC", labelSize: 18 }, { ...AXIS, ...marks, label: unit, labelSize: 18 }],
  }, columns);
}

/** Where a label begins beside a point: at its right, or where there is no room, at its left, or as far left as there is. */
function labelStart(point, length, from, to, gap) {
  if (point + gap + length <= to) return point + gap;
  return Math.max(from, point - gap - length);
}

/**
 * Baselines of labels, each {left, width, at}: where it is meant to stand or, where one before it stands there already,
 * so many lines above or below as it takes.
 */
function clearBaselines(labels, lineHeight) {
  const placed = [];
  const isTaken = ({ left, width }, at) => placed.some((other) =>
    left < other.left + other.width && other.left < left + width && Math.abs(at - other.at) < lineHeight);
  for (const label of labels) {
    let lines = 0;
    while (isTaken(label, label.at + lines * lineHeight)) lines = lines > 0 ? -lines : 1 - lines;
    placed.push({ ...label, at: label.at + lines * lineHeight });
  }
  return placed.map(({ at }) => at);
}

/** Settings by what they save (across) and by what they lose (up), each with its interval. */
function drawTradeOff(host, settings, lines) {
  const placed = settings.filter(({ effect, saving }) => effect.estimate !== null && saving.estimate !== null);
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
    const labels = [];
    for (const { name, effect, saving } of placed) {
      const at = [x(saving.estimate), y(effect.estimate)];
      stroke(COLOURS.blue, [at[0], y(effect.low ?? -100)], [at[0], y(effect.high ?? 100)]);
      stroke(COLOURS.blue, [x(saving.low ?? -100), at[1]], [x(saving.high ?? 100), at[1]]);
      const length = context.measureText(name).width;
      labels.push({ name, left: labelStart(at[0], length, left, left + width, 6 * ratio), width: length, at: at[1] - 6 * ratio });
    }
    context.fillStyle = "#1a1a1a";
    const baselines = clearBaselines(labels, 14 * ratio);
    labels.forEach((label, index) => context.fillText(label.name, label.left, baselines[index]));
    context.restore();
  };
  const [across, up] = [room([...reach("saving"), ...lines.filter((each) => !each.across).map((each) => each.value)]),
    room([...reach("effect"), ...lines.filter((each) => each.across).map((each) => each.value)])];
  draw(host, {
    series: [{}, { label: "setting", stroke: COLOURS.blue, paths: () => null, points: { show: true, size: 9, fill: COLOURS.blue } }],
    legend: { show: false }, cursor: { show: false }, hooks: { draw: [bars] },
    scales: { x: { time: false, range: () => across }, y: { range: () => up } },
    axes: [{ ...AXIS, label: "tokens saved, %", labelSize: 18 }, { ...AXIS, size: 60, label: "EM, points", labelSize: 18 }],
  }, columns);
  return true;
}
