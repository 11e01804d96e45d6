// One filter for the whole page: words, comparisons such as steps>50, and a choice for each setting.

const COMPARISON = /^([^<>=!]+)(<=|>=|!=|<|>|=)(?![<>=!])(.*)$/;
const FILTER_SYNTAX = "Words, and comparisons with = != < > <= >= such as weight>100, content distance<0.5, status=failed.";
const MOST_CHOICES = 12; // values of a setting that still make a list; more are better typed
const MOST_LISTS = 5;
const MOST_MEANT = 4; // names told where one could mean several
const filter = {}; // what charts may ask of it, and change in it

const OF_RUNS = new Map([["status", (run) => run.status], ["run", (run) => run.name], ["name", (run) => run.name]]);
if (HAS_GROUPS) OF_RUNS.set("group", groupName);
const SETTINGS = [...new Set(RUNS.flatMap((run) => Object.keys(run.settings)))];

// A setting goes before a measure of the same name.
function valueOf(run, name) {
  if (OF_RUNS.has(name) && !SETTINGS.includes(name)) return OF_RUNS.get(name)(run);
  return run.settings[name] === undefined ? run.measures[name] : run.settings[name];
}

// "Content distance", as the page prints it, -> "content_distance"
const plainName = (said) => said.trim().toLowerCase().replace(/\s*\/\s*/g, "/").replace(/\s+/g, "_");

// The names that somebody may mean: a whole one; the ending of a setting's, first of those that vary
// ("weight" of "objective.style.weight"); the beginning or ending of a measure's, layers last.
function meantBy(said, ordered) {
  const wanted = plainName(said);
  // only numbers have an order: "content<0.5" means no file
  const possible = (name) => !ordered || RUNS.some((run) => typeof valueOf(run, name) === "number");
  const settings = SETTINGS.filter(possible);
  const measures = [...MEASURES.keys()].filter(possible);
  const whole = [...settings, ...measures, ...(ordered ? [] : OF_RUNS.keys())]
    .find((name) => plainName(name) === wanted || MEASURES.has(name) && plainName(measureName(name)) === wanted);
  if (whole !== undefined) return [whole];
  const ends = (name) => [".", "/"].some((before) => plainName(name).endsWith(before + wanted));
  const part = (name) => plainName(name).startsWith(wanted) || plainName(name).endsWith(wanted);
  const ways = [
    VARYING.filter((name) => settings.includes(name) && ends(name)), settings.filter(ends),
    measures.filter((name) => !name.includes("/") && part(name)), measures.filter((name) => name.includes("/") && part(name)),
  ];
  return ways.find((names) => names.length) || [];
}

// What is typed -> its pieces, words, comparisons (each with the places of its pieces), and sentences about what
// is neither.
function understood(text) {
  const [words, places, comparisons, faults] = [[], [], [], []];
  const pieces = text.replace(/\s*([<>=!]+)\s*/g, "$1").split(/\s+/).filter(Boolean);
  for (const [at, piece] of pieces.entries()) {
    if (!/[<>=!]/.test(piece)) {
      words.push(piece);
      places.push(at);
      continue;
    }
    const [, said, sign, wanted] = COMPARISON.exec(piece) || [];
    const ordered = sign !== "=" && sign !== "!=";
    if (!said || wanted === "" || ordered && Number.isNaN(Number(wanted))) {
      faults.push(`${piece} is no comparison: ${ordered && wanted ? `${wanted} is not a number` : "write a name, one of = != < > <= >=, and a value"}`);
      continue;
    }
    // a name may be of several words: of as many of those before it as make one
    let [taken, meant] = [0, meantBy(said, ordered)];
    for (let count = 1; count <= words.length; count += 1) {
      const longer = meantBy([...words.slice(-count), said].join(" "), ordered);
      if (longer.length) [taken, meant] = [count, longer];
    }
    if (meant.length === 1) {
      words.splice(words.length - taken, taken);
      comparisons.push({ name: meant[0], sign, wanted, places: [...places.splice(places.length - taken, taken), at] });
    } else if (meant.length) {
      const names = meant.map((name) => (MEASURES.has(name) ? measureName(name) : name));
      faults.push(`${said} could be ${names.slice(0, MOST_MEANT).join(", ")}${names.length > MOST_MEANT ? ", ..." : ""}`);
    } else {
      faults.push(`there is no ${ordered ? "number" : "setting or measure"} called ${said}`);
    }
  }
  return { pieces, words, comparisons, faults };
}

function compares(value, sign, wanted) {
  if (value === undefined) return false;
  const text = settingText(value).toLowerCase();
  const [number, limit] = [Number(value), Number(wanted)];
  const numeric = typeof value === "number" && !Number.isNaN(limit);
  if (sign === "=") return numeric ? number === limit : text === wanted.toLowerCase();
  if (sign === "!=") return numeric ? number !== limit : text !== wanted.toLowerCase();
  if (!numeric) return false;
  return { "<": number < limit, ">": number > limit, "<=": number <= limit, ">=": number >= limit }[sign];
}

function contains(run, word) {
  const texts = [run.name, run.status, groupName(run) || "", ...[...VARYING, "tags", "notes"].map((name) => settingText(run.settings[name]))];
  return texts.some((text) => String(text).toLowerCase().includes(word.toLowerCase()));
}

function passes(run, { words, comparisons }, choices) {
  for (const [name, key] of choices) {
    if (name === "status" ? run.status !== key : keyOf(run.settings[name]) !== key) return false;
  }
  return words.every((word) => contains(run, word))
    && comparisons.every(({ name, sign, wanted }) => compares(valueOf(run, name), sign, wanted));
}

function setUpFilter() {
  const form = byId("filter");
  if (!form) return;
  const text = byId("filter-text");
  const said = byId("filter-said");
  const choices = new Map();

  // what is not understood is said, and takes no run away
  function say(faults) {
    const hint = document.activeElement === text && !text.value ? FILTER_SYNTAX : "";
    said.textContent = faults.length ? `Not understood: ${faults.join("; ")}.` : hint;
    said.classList.toggle("fault", faults.length > 0);
  }

  function apply() {
    const asked = understood(text.value);
    const shown = RUNS.filter((run) => passes(run, asked, choices));
    const all = shown.length === RUNS.length;
    byId("filter-count").textContent = all ? "" : `${shown.length} of ${RUNS.length}`;
    byId("filter-clear").hidden = !text.value && !choices.size;
    say(asked.faults);
    change("shown", all ? RUNS : shown);
    change("typed", text.value);
    writeAddressSoon();
  }

  function addChoice(name, label, options) {
    const choose = (key) => {
      if (key === "*") choices.delete(name); else choices.set(name, key);
      apply();
    };
    byId("filter-choices").append(makeSelect(label, [["*", "all"], ...options], "*", choose, { "data-filter": name }));
  }

  const statuses = [...new Set(RUNS.map((run) => run.status))];
  if (statuses.length > 1) addChoice("status", "status", statuses.map((status) => [status, status]));
  let listed = 0;
  for (const name of VARYING) {
    const values = valuesOf(name);
    if (values.length < 2 || values.length > MOST_CHOICES || (listed += 1) > MOST_LISTS) continue;
    addChoice(name, shortName(name), values.map((value) => [keyOf(value), briefText(value)]));
  }
  const lists = () => [...form.querySelectorAll("select")];
  inAddress({
    write: () => ({
      ...(text.value ? { filter: text.value } : {}),
      ...Object.fromEntries([...choices].map(([name, key]) => [`only.${name}`, key])),
    }),
    read: (said) => {
      text.value = said.get("filter") || "";
      choices.clear();
      for (const select of lists()) {
        const key = said.get(`only.${select.dataset.filter}`);
        const isKnown = [...select.options].some(({ value }) => value === key && value !== "*");
        select.value = isKnown ? key : "*";
        if (isKnown) choices.set(select.dataset.filter, key);
      }
      apply();
    },
  });
  const bounds = (name) => understood(text.value).comparisons.filter((one) => one.name === name && /[<>]/.test(one.sign));
  Object.assign(filter, {
    // Whether a comparison can be written with this name, which may be a stranger's.
    understands: (name) => understood(`${name}>=0`).comparisons.some((one) => one.name === name),
    // From where to where the typed comparisons let a number be, or null if it may be any.
    rangeOf: (name) => {
      const limits = (sign) => bounds(name).filter((one) => one.sign.startsWith(sign)).map(({ wanted }) => Number(wanted));
      return bounds(name).length ? [Math.max(-Infinity, ...limits(">")), Math.min(Infinity, ...limits("<"))] : null;
    },
    // Write a range, of which an end may be infinite, in the place of what was typed of it; null takes it away.
    narrow: (name, range) => {
      const old = new Set(bounds(name).flatMap(({ places }) => places));
      const rest = understood(text.value).pieces.filter((_, at) => !old.has(at));
      const written = (range || []).map((limit, end) => (Number.isFinite(limit) ? `${name}${end ? "<=" : ">="}${limit}` : ""));
      text.value = [...rest, ...written].filter(Boolean).join(" ");
      apply();
    },
  });
  text.addEventListener("input", apply);
  for (const event of ["focus", "blur"]) text.addEventListener(event, () => say(understood(text.value).faults));
  form.addEventListener("submit", (event) => event.preventDefault());
  byId("filter-clear").addEventListener("click", () => {
    text.value = "";
    choices.clear();
    for (const select of lists()) select.value = "*";
    apply();
    text.focus();
  });
}
