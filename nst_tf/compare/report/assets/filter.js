// One filter for the whole page: words, comparisons such as steps>50, and a choice for each setting.

const COMPARISON = /^([^<>=!]+)(<=|>=|!=|<|>|=)(.*)$/;
const MOST_CHOICES = 12; // values of a setting that still make a list; more are better typed
const MOST_LISTS = 5;

// A run's value by name, or by the ending of a name: "weight" finds "objective.style.weight".
function lookUp(run, name) {
  if (name === "status" || name === "name") return run[name];
  for (const table of [run.settings, run.measures]) if (table[name] !== undefined) return table[name];
  const ending = (known) => known.endsWith(`.${name}`) || known.endsWith(`/${name}`);
  const found = VARYING.find(ending) || Object.keys(run.settings).find(ending);
  return found === undefined ? undefined : run.settings[found];
}

function compares(value, sign, wanted) {
  if (value === undefined) return false;
  const text = settingText(value).toLowerCase();
  const [number, limit] = [Number(value), Number(wanted)];
  const numeric = typeof value === "number" && wanted.trim() !== "" && !Number.isNaN(limit);
  if (sign === "=") return numeric ? number === limit : text === wanted.toLowerCase();
  if (sign === "!=") return numeric ? number !== limit : text !== wanted.toLowerCase();
  if (!numeric) return false;
  return { "<": number < limit, ">": number > limit, "<=": number <= limit, ">=": number >= limit }[sign];
}

function contains(run, word) {
  const texts = [run.name, run.status, ...VARYING.map((name) => settingText(run.settings[name]))];
  return texts.some((text) => String(text).toLowerCase().includes(word.toLowerCase()));
}

function passes(run, words, choices) {
  for (const [name, key] of choices) {
    if (name === "status" ? run.status !== key : keyOf(run.settings[name]) !== key) return false;
  }
  return words.every((word) => {
    const comparison = COMPARISON.exec(word);
    return comparison ? compares(lookUp(run, comparison[1]), comparison[2], comparison[3]) : contains(run, word);
  });
}

function setUpFilter() {
  const form = byId("filter");
  if (!form) return;
  const text = byId("filter-text");
  const choices = new Map();

  function apply() {
    const words = text.value.split(/\s+/).filter(Boolean);
    const shown = RUNS.filter((run) => passes(run, words, choices));
    const all = shown.length === RUNS.length;
    byId("filter-count").textContent = all ? "" : `${shown.length} of ${RUNS.length}`;
    byId("filter-clear").hidden = !words.length && !choices.size;
    change("shown", all ? RUNS : shown);
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
  let lists = 0;
  for (const name of VARYING) {
    const values = valuesOf(name);
    if (values.length < 2 || values.length > MOST_CHOICES || (lists += 1) > MOST_LISTS) continue;
    addChoice(name, shortName(name), values.map((value) => [keyOf(value), briefText(value)]));
  }
  text.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  byId("filter-clear").addEventListener("click", () => {
    text.value = "";
    choices.clear();
    for (const select of form.querySelectorAll("select")) select.value = "*";
    apply();
    text.focus();
  });
}
