// Every run a row: what varies and what was measured. Click a heading to sort; missing values go last.
// Groups of comparable runs stand together, and what is best is best of its group.

const table = { by: null, descending: false, hidden: new Set() };

function tableColumns() {
  const settings = VARYING.map((name) => ({
    key: `setting:${name}`, title: shortName(name), meaning: name,
    value: (run) => run.settings[name], text: (run) => labelText(name, run.settings[name]),
  }));
  const measures = DATA.measures.map(({ name, meaning, higher_is_better: higher, neither_is_better: neither }) => ({
    key: `measure:${name}`, title: measureName(name), number: true, best: neither ? null : higher ? "high" : "low",
    meaning: [meaning, neither ? "" : higher ? "Higher is better." : "Lower is better."].filter(Boolean).join(" "),
    value: (run) => run.measures[name], text: (run) => measured(run, name),
  }));
  return [
    { key: "run", title: HAS_AVERAGES ? "average of" : "run", value: (run) => run.index, text: (run) => run.name },
    { key: "status", title: "status", value: (run) => run.status, text: (run) => run.status },
    ...(HAS_GROUPS ? [{ key: "group", title: "group", meaning: "The same content, styles and size: only such runs are ranked.", value: groupName, text: (run) => groupName(run) || "" }] : []),
    ...(RUNS.some(({ settings: { tags } }) => Array.isArray(tags) && tags.length)
      ? [{ key: "tags", title: "tags", value: (run) => settingText(run.settings.tags), text: (run) => [run.settings.tags || []].flat().join(", ") }] : []),
    ...settings, ...measures,
  ];
}

// Numbers before texts, and what is missing or not a number last, whichever way it is sorted.
function compareRuns(column, descending) {
  const rank = (value) => (typeof value === "number" ? 0 : value === undefined || value === null || column.number ? 2 : 1);
  return (first, second) => {
    const [a, b] = [column.value(first), column.value(second)];
    if (rank(a) !== rank(b)) return rank(a) - rank(b);
    const order = rank(a) === 0 ? a - b : settingText(a).localeCompare(settingText(b), "en", { numeric: true });
    return (descending ? -order : order) || first.index - second.index;
  };
}

function drawTable() {
  const columns = table.columns.filter(({ key }) => !table.hidden.has(key));
  const by = table.columns.find(({ key }) => key === table.by);
  const groups = inGroups(by ? [...shared.shown].sort(compareRuns(by, table.descending)) : shared.shown);
  const runs = groups.flat();
  const heading = (column) => {
    const sorted = table.by === column.key ? (table.descending ? "descending" : "ascending") : "none";
    const button = make("button", { type: "button", title: column.meaning, "data-column": column.key, on: { click: () => sortBy(column.key) } },
      column.title, make("span", { class: "arrow", "aria-hidden": "true" }, { ascending: "\u00a0▲", descending: "\u00a0▼", none: "" }[sorted]));
    return make("th", { scope: "col", "aria-sort": sorted, class: column.number ? "number" : null }, button);
  };
  const best = new Map(columns.filter((column) => column.best)
    .map((column) => [column.key, new Map(groups.map((members) => [groupOf(members[0]), bestOf(column, members)]))]));
  byId("table-body").replaceChildren(make("table", { class: "runs" },
    make("thead", {}, make("tr", {}, columns.map(heading), make("th", { scope: "col" }, "repeat"))),
    make("tbody", {}, runs.map((run) => tableRow(run, columns, best)))),
  runs.length ? "" : make("p", { class: "notice" }, "No run passes the filter."));
}

// As it is shown: of values that look the same, either all are best or none.
function bestOf(column, runs) {
  const measured = runs.filter((run) => isDone(run) && typeof column.value(run) === "number");
  if (new Set(measured.map(column.text)).size < 2) return null; // nothing is best where all are the same
  const sign = column.best === "high" ? -1 : 1;
  return column.text(measured.reduce((best, run) => (sign * column.value(run) < sign * column.value(best) ? run : best)));
}

function tableRow(run, columns, best) {
  const cells = columns.map((column) => {
    if (column.key === "run") {
      const open = make("button", { type: "button", class: "plain row-run", "aria-label": `Enlarge run ${run.name}`, on: { click: () => openViewer(run) } },
        image(run.picture, "") || make("span", { class: "no-thumb" }), make("span", { class: isLong(run.name) ? "long" : null }, run.name));
      return make("th", { scope: "row" }, open);
    }
    if (column.key === "status") return make("td", {}, make("span", { class: "status", "data-status": run.status, title: run.error }, run.status));
    const value = column.value(run);
    const isBest = typeof value === "number" && isDone(run) && column.text(run) === best.get(column.key)?.get(groupOf(run));
    return make("td", { class: [column.number ? "number" : "", isLong(column.text(run)) ? "long" : "", isBest ? "is-best" : ""].join(" ").trim() || null, title: isBest ? `best of ${HAS_GROUPS ? "its group, of " : ""}the runs shown` : null },
      column.text(run));
  });
  const command = run.command || run.rerun;
  const from = run.command && typeof run.typed_in === "string" ? `, to be typed in ${run.typed_in}` : "";
  const copy = command ? copyButton(command, `Copy the command of run ${run.name}${from}`) : "–";
  if (command) copy.title = `${command}${from}`;
  const row = make("tr", {}, cells, make("td", {}, copy));
  return lights(row, run);
}

function sortBy(key) {
  table.descending = table.by === key ? !table.descending : table.columns.find((column) => column.key === key).best === "high";
  table.by = key;
  drawTable();
  writeAddressSoon();
  byId("table-body").querySelector(`button[data-column="${CSS.escape(key)}"]`).focus();
  const { title } = table.columns.find((column) => column.key === key);
  announce(`Sorted by ${title}, ${table.descending ? "descending" : "ascending"}.`);
}

function setUpTable() {
  table.columns = tableColumns();
  const useful = (column) => RUNS.some((run) => column.value(run) !== undefined);
  table.columns = table.columns.filter(useful);
  for (const { key } of table.columns) if (key.startsWith("measure:") && key.includes("/")) table.hidden.add(key);
  const boxes = table.columns.filter(({ key }) => key !== "run").map(({ key, title }) => make("label", {},
    make("input", { type: "checkbox", checked: !table.hidden.has(key), on: { change: (event) => {
      if (event.target.checked) table.hidden.delete(key); else table.hidden.add(key);
      drawTable();
    } } }), make("span", {}, title)));
  const menu = make("details", { class: "menu" }, make("summary", {}, "columns"), make("div", { class: "menu-body" }, boxes));
  byId("table-controls").append(menu);
  document.addEventListener("click", (event) => { if (!menu.contains(event.target)) menu.open = false; });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
  inAddress({
    write: () => (table.by ? { sort: `${table.descending ? "-" : ""}${table.by}` } : {}),
    read: (said) => {
      const [, minus, key] = /^(-?)(.*)$/s.exec(said.get("sort") || "");
      const by = table.columns.find((column) => column.key === key)?.key ?? null;
      if (by === table.by && table.descending === (minus === "-")) return;
      [table.by, table.descending] = [by, by !== null && minus === "-"];
      drawTable();
    },
  });
  onChange("shown", drawTable);
  drawTable();
}
