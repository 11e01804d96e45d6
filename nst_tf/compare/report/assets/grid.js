// The pictures in a grid whose axes are settings that vary; or, without axes, in reading order.

const NONE = "*none";
const grid = { rows: NONE, columns: NONE, order: [] };

function startingAxes() {
  const axes = VARYING.map((name) => ({ name, values: valuesOf(name) })).filter(({ values }) => values.length > 1);
  if (axes.length === 0) return [NONE, NONE];
  if (axes.length === 1) return axes[0].values.length > 8 ? [NONE, NONE] : [NONE, axes[0].name];
  // a number reads best from left to right; of the others, what the page was asked for first
  const columns = axes.find(({ values }) => values.length <= 12 && values.every((value) => typeof value === "number"))
    || axes.find(({ values }) => values.length <= 8) || axes[0];
  const rows = axes.find((axis) => axis !== columns);
  // a search at random would leave most cells empty
  if (columns.values.length * rows.values.length > 3 * RUNS.length) return [NONE, NONE];
  return [rows.name, columns.name];
}

function placeholder(run) {
  const reason = run.error || (isDone(run) ? "its picture can't be read" : "no picture");
  return make("span", { class: "no-picture" }, make("b", {}, run.status), make("span", {}, reason));
}

function card(run, except) {
  const rest = settingsText(run, except);
  const described = `${runText(run)}; ${run.status}. Enlarge`;
  const button = make("button", { type: "button", class: "card", "aria-label": described, tabindex: -1 },
    image(run.picture, "") || placeholder(run),
    make("span", { class: "caption" }, make("b", {}, run.name), rest ? make("span", {}, rest) : null,
      isDone(run) ? null : make("span", { class: "status", "data-status": run.status }, run.status)));
  button.addEventListener("click", () => openViewer(run));
  button.addEventListener("keydown", (event) => {
    const side = { a: 0, b: 1 }[event.key.toLowerCase()];
    if (side !== undefined && !event.ctrlKey && !event.metaKey && !event.altKey) chooseSide(side, run);
  });
  hasTip(button, run);
  return lights(button, run);
}

function drawGrid() {
  const place = byId("grid");
  const runs = shared.shown;
  place.replaceChildren();
  if (!runs.length) {
    grid.order = [];
    place.append(make("p", { class: "notice" }, "No run passes the filter."));
    return;
  }
  place.append(grid.rows === NONE && grid.columns === NONE ? inReadingOrder(runs) : inRowsAndColumns(runs));
  grid.order = [...place.querySelectorAll(".card")].map((element) => RUNS[Number(element.dataset.run)]);
  grid.settle();
}

function inReadingOrder(runs) {
  return make("div", { class: `cards ${RUNS.length === 1 ? "single" : ""}` }, runs.map((run) => card(run, [])));
}

function inRowsAndColumns(runs) {
  const axis = (name) => (name === NONE ? [undefined] : valuesOf(name, runs));
  const [rows, columns] = [axis(grid.rows), axis(grid.columns)];
  const except = [grid.rows, grid.columns];
  const cells = new Map();
  const keyIn = (row, column) => JSON.stringify([keyOf(row), keyOf(column)]);
  for (const run of runs) {
    const key = keyIn(grid.rows === NONE ? undefined : run.settings[grid.rows],
      grid.columns === NONE ? undefined : run.settings[grid.columns]);
    cells.set(key, [...(cells.get(key) || []), run]);
  }
  const heading = (name, value, scope) => make("th", { scope },
    make("span", { class: "axis-name" }, shortName(name)), make("span", { class: "axis-value" }, settingText(value)));
  const table = make("table", { class: "grid" });
  if (grid.columns !== NONE) {
    table.append(make("thead", {}, make("tr", {},
      grid.rows === NONE ? null : make("td", { class: "corner-cell" }),
      columns.map((value) => heading(grid.columns, value, "col")))));
  }
  table.append(make("tbody", {}, rows.map((row) => make("tr", {},
    grid.rows === NONE ? null : heading(grid.rows, row, "row"),
    columns.map((column) => {
      const found = cells.get(keyIn(row, column)) || [];
      const content = found.length ? found.map((run) => card(run, except)) : make("span", { class: "empty" }, "·");
      return make("td", {}, make("div", { class: "cell" }, content));
    })))));
  return table;
}

function setUpGrid() {
  grid.settle = roving(byId("grid"), ".card");
  [grid.rows, grid.columns] = startingAxes();
  const controls = byId("grid-controls");
  const options = [[NONE, "–"], ...VARYING.map((name) => [name, shortName(name)])];
  if (RUNS.length > 1) {
    if (VARYING.length) {
      for (const [axis, label] of [["rows", "rows"], ["columns", "columns"]]) {
        controls.append(makeSelect(label, options, grid[axis], (name) => { grid[axis] = name; drawGrid(); }));
      }
    }
    const sized = (width) => byId("grid").style.setProperty("--tile", `${width}px`);
    const start = RUNS.length <= 4 ? 300 : RUNS.length <= 24 ? 210 : 150;
    controls.append(makeRange("size", { low: 80, high: 480, step: 10, value: start }, sized));
    sized(start);
  }
  onChange("shown", drawGrid);
  drawGrid();
}

// What is said of a run while the pointer or the focus is on it; Escape takes it away.
function hasTip(element, run) {
  const tip = byId("tip");
  const hide = () => { tip.hidden = true; element.removeAttribute("aria-describedby"); };
  const show = () => {
    tip.replaceChildren(...tipRows(run));
    tip.hidden = false;
    element.setAttribute("aria-describedby", "tip");
    const [box, own] = [element.getBoundingClientRect(), tip.getBoundingClientRect()];
    const below = box.bottom + 8 + own.height < window.innerHeight;
    const left = Math.min(Math.max(8, box.left), window.innerWidth - own.width - 8);
    tip.style.setProperty("left", `${left}px`);
    tip.style.setProperty("top", `${below ? box.bottom + 8 : Math.max(8, box.top - own.height - 8)}px`);
  };
  if (window.matchMedia("(hover: hover)").matches) element.addEventListener("mouseenter", show);
  element.addEventListener("mouseleave", hide);
  element.addEventListener("focus", () => { if (element.matches(":focus-visible")) show(); });
  element.addEventListener("blur", hide);
  element.addEventListener("click", hide);
  element.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
}

function tipRows(run) {
  const settings = VARYING.map((name) => [shortName(name), settingText(run.settings[name])]);
  const measures = DATA.measures.filter(({ name }) => !name.includes("/") && run.measures[name] !== undefined)
    .map(({ name }) => [measureName(name), measureText(name, run.measures[name])]);
  const list = (rows) => (rows.length
    ? [make("dl", {}, rows.flatMap(([name, text]) => [make("dt", {}, name), make("dd", {}, text)]))] : []);
  const head = make("p", {}, make("b", {}, run.name), " ", make("span", { class: "status", "data-status": run.status }, run.status));
  return [head, ...(run.error ? [make("p", {}, run.error)] : []), ...list(settings), ...list(measures)];
}
