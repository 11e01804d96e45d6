// Numbers, settings and names as people read them.

function numberText(value) {
  if (typeof value !== "number") return value === null || value === undefined ? "–" : String(value);
  if (value === 0 || Number.isInteger(value) && Math.abs(value) < 1e6) return String(value);
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-3) return value.toExponential(2).replace(/\.?0*e\+?/, "e");
  return String(Number(value.toPrecision(4)));
}

function measureText(name, value) {
  const unit = MEASURES.get(name)?.unit;
  if (typeof value !== "number" || !unit) return numberText(value);
  if (unit === "s") return secondsText(value);
  if (unit === "bytes") return bytesText(value);
  return `${numberText(value)} ${unit}`;
}

// A measure of a run, or the mean of an average with its standard deviation.
function measured(run, name) {
  const text = measureText(name, run.measures[name]);
  return run.spread[name] === undefined ? text : `${text} ± ${measureText(name, Number(run.spread[name].toPrecision(2)))}`;
}

function secondsText(value) {
  if (value < 100) return `${Number(value.toPrecision(3))} s`;
  if (value < 3600) return `${Math.floor(value / 60)} min ${Math.round(value % 60)} s`;
  return `${Number((value / 3600).toPrecision(3))} h`;
}

function bytesText(value) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(value, 1)) / 3)));
  return `${Number((value / 1000 ** power).toPrecision(3))} ${units[power]}`;
}

// 1 -> "1st"
function placeText(number) {
  const ending = Math.floor(number / 10) % 10 === 1 ? "th" : ["th", "st", "nd", "rd"][number % 10] || "th";
  return `${number}${ending}`;
}

// Texts that may be broken anywhere, lest they push all else aside.
const isLong = (text) => String(text).length > 24;

function settingText(value) {
  if (value === undefined) return "–";
  if (value === null) return "null";
  if (typeof value === "object") {
    if (Array.isArray(value)) return `[${value.map(settingText).join(", ")}]`;
    return `{${Object.entries(value).map(([key, one]) => `${key}: ${settingText(one)}`).join(", ")}}`;
  }
  return String(value);
}

// Six digits, as on the contact sheet; the viewer and the differences of two runs have them all.
function briefText(value) {
  return typeof value === "number" && !Number.isInteger(value) ? String(Number(value.toPrecision(6))) : settingText(value);
}

// A value where there is little room: of a file its name, if no other file of that setting has the same.
const namesOfFiles = new Map();
function labelText(name, value) {
  if (typeof value !== "string" || !value.includes("/")) return briefText(value);
  if (!namesOfFiles.has(name)) {
    const ends = valuesOf(name).map((one) => String(one).split("/").pop());
    namesOfFiles.set(name, new Set(ends).size === ends.length && ends.every(Boolean));
  }
  return namesOfFiles.get(name) ? value.split("/").pop() : value;
}

// "objective.style.weight" -> "style.weight": the shortest ending that no other setting that varies has.
function shortName(name) {
  const parts = name.split(".");
  for (let length = Math.min(parts.length, 1); length < parts.length; length += 1) {
    const ending = parts.slice(-length).join(".");
    if (!VARYING.some((other) => other !== name && (other === ending || other.endsWith(`.${ending}`)))) {
      return length === 1 && ["weight", "size", "name"].includes(ending) ? parts.slice(-2).join(".") : ending;
    }
  }
  return name;
}

// "style_distance/block1_conv1" -> "style distance / block1_conv1"
function measureName(name) {
  const [whole, ...layers] = name.split("/");
  const words = whole.replace(/_bytes$/, "").replaceAll("_", " ").replace(/^ssim$/, "SSIM");
  return [words, ...layers].join(" / ");
}

// The settings that vary, those first that it takes to tell the runs apart.
const TELLING = (() => {
  let rows = RUNS.map(() => "");
  const told = VARYING.filter((name) => {
    const finer = rows.map((row, index) => `${row}\n${keyOf(RUNS[index].settings[name])}`);
    const isFiner = new Set(finer).size > new Set(rows).size;
    if (isFiner) rows = finer;
    return isFiner;
  });
  return [...told, ...VARYING.filter((name) => !told.includes(name))];
})();

const MOST_NAMED = 4; // settings in a caption; all of them stand in the viewer and in the table

function listText(texts) {
  const more = texts.length - MOST_NAMED;
  return more > 1 ? `${texts.slice(0, MOST_NAMED).join(", ")} and ${more} more` : texts.join(", ");
}

function settingsText(run, except = []) {
  const names = TELLING.filter((name) => !except.includes(name) && run.settings[name] !== undefined);
  return listText(names.map((name) => `${shortName(name)} ${shortened(labelText(name, run.settings[name]))}`));
}

const shortened = (text) => (text.length > 40 ? `${text.slice(0, 18)}…${text.slice(-18)}` : text);

// "Run 3", and of an average "Runs 0, 3".
const titleOf = (run) => `${run.average_of.length > 1 ? "Runs" : "Run"} ${run.name}`;

function runText(run, except = []) {
  const settings = settingsText(run, except);
  return settings ? `${run.name}: ${settings}` : run.name;
}
