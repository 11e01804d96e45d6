// The pictures in a grid whose axes are settings that vary; or, without axes, in reading order.

const NONE = "*none";
const REST = "*rest"; // all settings that vary and are no axis, together: a row for each combination
const SEVERAL = ","; // joins the settings of an axis that somebody asked for
const [MOST_NUMBERS_ACROSS, MOST_NAMES_ACROSS, FEWEST_FULL] = [12, 8, 0.5];
const grid = { rows: NONE, columns: NONE, order: [], sized: false };

function startingAxes() {
  if (DATA.axes) return [DATA.axes.rows.join(SEVERAL) || NONE, DATA.axes.column || NONE];
  const axes = VARYING.map((name) => ({ name, values: valuesOf(name) })).filter(({ values }) => values.length > 1);
  if (axes.length === 0) return [NONE, NONE];
  if (axes.length === 1) return axes[0].values.length > MOST_NAMES_ACROSS ? [NONE, NONE] : [NONE, axes[0].name];
  const isNumeric = ({ values }) => values.every((value) => typeof value === "number");
  const others = (columns) => (axes.length > 2 ? REST : axes.find((axis) => axis !== columns).name);
  // the share of cells that have a run: not every combination need exist
  const full = (columns) => RUNS.length / (columns.values.length * axisValues(others(columns), RUNS, columns.name).length);
  const possible = axes.filter((axis) => axis.values.length <= (isNumeric(axis) ? MOST_NUMBERS_ACROSS : MOST_NAMES_ACROSS));
  if (!possible.length) return [NONE, NONE];
  // of the fullest a number reads best from left to right; of the others, what the page was asked for first
  const fullest = Math.max(...possible.map(full));
  const best = possible.filter((axis) => full(axis) > fullest - 0.01);
  const columns = best.find(isNumeric) || best[0];
  // as on the contact sheet: beyond that, settings were searched, not crossed
  return fullest < FEWEST_FULL ? [NONE, NONE] : [others(columns), columns.name];
}

// The settings of which an axis shows the values, and a run's place on it.
const settingsOf = (axis, other) => (axis === NONE ? []
  : axis === REST ? VARYING.filter((name) => name !== other && valuesOf(name).length > 1) : axis.split(SEVERAL));
const placeOn = (names, run) => JSON.stringify(names.map((name) => keyOf(run.settings[name])));

// One run for each distinct place of an axis, in order: the first setting counts most.
function axisValues(axis, runs, other) {
  const names = settingsOf(axis, other);
  const order = names.map((name) => valuesOf(name, runs).map(keyOf));
  const distinct = new Map();
  for (const run of runs) if (!distinct.has(placeOn(names, run))) distinct.set(placeOn(names, run), run);
  return [...distinct.values()].sort((a, b) => {
    for (const [index, name] of names.entries()) {
      const by = order[index].indexOf(keyOf(a.settings[name])) - order[index].indexOf(keyOf(b.settings[name]));
      if (by) return by;
    }
    return 0;
  });
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
      isDone(run) || run.picture === null ? null : make("span", { class: "status", "data-status": run.status }, run.status)));
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
  byId("tip").hidden = true; // what it told of may go
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
  return make("div", { class: `cards ${RUNS.length === 1 ? "single" : ""}` }, runs.map((run) => card(run, [])),
    RUNS.length === 1 && runs[0].picture !== null && runs[0].content !== null ? dividedFromContent(runs[0]) : null);
}

// There is room beside the only picture.
function dividedFromContent(run) {
  const divided = beforeAfter(image(run.content, ""), image(run.picture, ""), { beforeName: "content", afterName: "result", stretch: true });
  const { width, height } = pictureOf(run.picture);
  divided.style.setProperty("--shape", `${width} / ${height}`);
  return divided;
}

// Where contents or styles vary, what the name of a file stands for.
function axisPicture(name, run) {
  const number = name === "content" ? run.content : name === "style" && run.styles.length === 1 ? run.styles[0] : null;
  return image(number, "", { class: "axis-picture" });
}

function inRowsAndColumns(runs) {
  const names = { rows: settingsOf(grid.rows, grid.columns), columns: settingsOf(grid.columns, grid.rows) };
  const rows = axisValues(grid.rows, runs, grid.columns);
  const columns = axisValues(grid.columns, runs, grid.rows);
  const except = [...names.rows, ...names.columns];
  const cells = new Map();
  const cellOf = (row, column) => placeOn(names.rows, row) + placeOn(names.columns, column);
  for (const run of runs) cells.set(cellOf(run, run), [...(cells.get(cellOf(run, run)) || []), run]);
  const heading = (axis, run, scope) => make("th", { scope }, axis.map((name) => make("span", { class: "axis" },
    make("span", { class: "axis-name" }, shortName(name)), " ", make("span", { class: "axis-value" }, breakable(labelText(name, run.settings[name]))), axisPicture(name, run))));
  const table = make("table", { class: "grid" });
  if (names.columns.length) {
    table.append(make("thead", {}, make("tr", {},
      names.rows.length ? make("td", { class: "corner-cell" }) : null,
      columns.map((column) => heading(names.columns, column, "col")))));
  }
  table.append(make("tbody", {}, rows.map((row) => make("tr", {},
    names.rows.length ? heading(names.rows, row, "row") : null,
    columns.map((column) => {
      const found = cells.get(cellOf(row, column)) || [];
      const content = found.length ? found.map((run) => card(run, except)) : make("span", { class: "empty" }, "·");
      return make("td", {}, make("div", { class: "cell" }, content));
    })))));
  if (!grid.sized) sizeTiles(fittingTile(columns.length, names.rows.length));
  return table;
}

// As many pixels as let every column be seen, if that leaves something to see.
function fittingTile(columns, hasHeadings) {
  const [heading, gap] = [hasHeadings ? 150 : 0, 12];
  return Math.min(330, Math.max(96, Math.floor((byId("grid").clientWidth - heading) / columns - gap)));
}

function sizeTiles(width) {
  byId("grid").style.setProperty("--tile", `${width}px`);
  const range = byId("grid-size");
  if (range) range.value = width;
}

function axesInAddress(controls, known) {
  const start = { rows: grid.rows, columns: grid.columns };
  inAddress({
    write: () => (grid.rows === start.rows && grid.columns === start.columns ? {} : { rows: grid.rows, columns: grid.columns }),
    read: (said) => {
      const asked = { rows: said.get("rows"), columns: said.get("columns") };
      const isKnown = known.includes(asked.rows) && known.includes(asked.columns)
        && (asked.rows !== asked.columns || asked.rows === NONE);
      const { rows, columns } = isKnown ? asked : start;
      if (grid.rows === rows && grid.columns === columns) return;
      Object.assign(grid, { rows, columns });
      for (const axis of ["rows", "columns"]) controls.querySelector(`[data-axis="${axis}"]`).value = grid[axis];
      drawGrid();
    },
  });
}

function setUpGrid() {
  grid.settle = roving(byId("grid"), ".card");
  [grid.rows, grid.columns] = startingAxes();
  const pictured = RUNS.find((run) => run.picture !== null);
  if (pictured) {
    const { width, height } = pictureOf(pictured.picture);
    byId("grid").style.setProperty("--shape", `${width} / ${height}`); // of the places of pictures that are missing
  }
  const controls = byId("grid-controls");
  const options = [[NONE, "–"], ...VARYING.map((name) => [name, shortName(name)])];
  for (const axis of [grid.rows, grid.columns]) {
    const known = axis === REST || options.some(([name]) => name === axis);
    if (!known) options.push([axis, axis.split(SEVERAL).map(shortName).join(", ")]);
  }
  if (VARYING.length > 2) options.push([REST, "all others"]);
  if (RUNS.length > 1) {
    if (VARYING.length || DATA.axes) {
      for (const [axis, label] of [["rows", "rows"], ["columns", "columns"]]) {
        controls.append(makeSelect(label, options, grid[axis], (name) => {
          grid[axis] = name;
          const other = axis === "rows" ? "columns" : "rows";
          if (grid[other] === name) grid[other] = NONE; // one setting makes one axis
          controls.querySelector(`[data-axis="${other}"]`).value = grid[other];
          drawGrid();
          writeAddressSoon();
        }, { "data-axis": axis }));
      }
      axesInAddress(controls, options.map(([name]) => name));
    }
    controls.append(makeRange("size", { low: 80, high: 480, step: 2, value: 200 },
      (width) => { grid.sized = true; sizeTiles(width); }, { id: "grid-size" }));
    sizeTiles(RUNS.length <= 4 ? 300 : RUNS.length <= 24 ? 220 : 160);
  }
  onChange("shown", drawGrid);
  drawGrid();
}
