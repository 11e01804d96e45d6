// Content against style: every run a point, the Pareto front a line, and the best few for a chosen weight.
// Of several groups of comparable runs, each has its own front and its own best.

const BEST = 5;
const FEWEST_BEST = 2; // of each of several groups
const MOST_GROUPS = 10; // with their best in the list; the filter shows the others
const [LETTER, LINE] = [7, 14]; // pixels: about the width and height of a letter in the scatter
const trade = { across: null, down: null, weight: 0.5, chosen: false };

const sign = (name) => (MEASURES.get(name).higher_is_better ? -1 : 1);

function rangeOf(runs, name) {
  const values = runs.map((run) => sign(name) * run.measures[name]);
  return [Math.min(...values), Math.max(...values)];
}

// From the best to the worst run of a group, in the group where that is most.
const spanOf = (groups, name) => Math.max(...groups.map((runs) => {
  const [low, high] = rangeOf(runs, name);
  return high - low;
}));

// Each measure from 0 (the best run of the group) to 1 (the span), so that a weight means the same for both
// measures and in all groups.
function unitCosts(runs, name, span) {
  const [low] = rangeOf(runs, name);
  return runs.map((run) => (span > 0 ? (sign(name) * run.measures[name] - low) / span : 0));
}

// Until somebody moves it, the weight of content + 20 style, by which nst-compare ranks in the terminal.
const byTerminal = () => trade.across === "content_distance" && trade.down === "style_distance";
function startingWeight(groups) {
  if (!byTerminal()) return 0.5;
  const [content, style] = [spanOf(groups, trade.across), DATA.style_against_content * spanOf(groups, trade.down)];
  return content + style > 0 ? style / (content + style) : 0.5;
}

// The runs of one of the groups, the best first.
function scored(runs, groups) {
  const [across, down] = [trade.across, trade.down].map((name) => unitCosts(runs, name, spanOf(groups, name)));
  return runs
    .map((run, index) => ({ run, score: (1 - trade.weight) * across[index] + trade.weight * down[index] }))
    .sort((a, b) => a.score - b.score || a.run.index - b.run.index);
}

// The runs of a group than which no other of it is better in one measure and at least as good in the other.
function paretoFront(runs) {
  const cost = (run, name) => sign(name) * run.measures[name];
  const sorted = [...runs].sort((a, b) => cost(a, trade.across) - cost(b, trade.across) || cost(a, trade.down) - cost(b, trade.down));
  const front = [];
  for (const run of sorted) {
    const last = front[front.length - 1];
    const better = !last || cost(run, trade.down) < cost(last, trade.down);
    const equal = last && cost(run, trade.down) === cost(last, trade.down) && cost(run, trade.across) === cost(last, trade.across);
    if (better || equal) front.push(run);
  }
  return front;
}

const rankable = () => shared.shown.filter((run) => isDone(run)
  && measureOf(run, trade.across) !== null && measureOf(run, trade.down) !== null);

function drawScatter(runs, fronts, best) {
  const figure = byId("scatter");
  const frame = chartFrame(figure, `${measureName(trade.down)} against ${measureName(trade.across)}`);
  const across = scale(runs.map((run) => run.measures[trade.across]), MARGIN.left, frame.right, { pad: 0.07 });
  const down = scale(runs.map((run) => run.measures[trade.down]), frame.bottom, MARGIN.top, { pad: 0.07 });
  const named = (name) => {
    const { higher_is_better: higher, neither_is_better: neither } = MEASURES.get(name);
    return `${measureName(name)} (${neither ? "lower counts as" : higher ? "higher is" : "lower is"} better)`;
  };
  drawAxes(frame, across, down, named(trade.across), named(trade.down));
  const at = (run) => [across.place(run.measures[trade.across]), down.place(run.measures[trade.down])];
  const colors = coloring(runs);
  for (const front of fronts) {
    const byGroup = shared.colorBy === BY_GROUP;
    const points = front.map((run) => at(run).join(",")).join(" ");
    frame.svg.append(makeSvg("polyline", { class: "front", points, css: byGroup ? { stroke: colors.of(front[0]) } : {} }));
    if (HAS_GROUPS && !byGroup) { // no legend tells whose front it is
      const [x, y] = at(front[0]);
      frame.svg.append(makeSvg("text", { x: x + 9, y: y + 14, class: "front-name", "aria-hidden": "true" }, shortened(groupName(front[0]))));
    }
  }
  const small = runs.length > 60 ? 3.5 : 4.5;
  const onFront = new Set(fronts.flat());
  const points = [...runs].sort((a, b) => a.measures[trade.across] - b.measures[trade.across]);
  for (const run of points) {
    const [x, y] = at(run);
    const dot = makeSvg("g", {
      class: `dot${onFront.has(run) ? " on-front" : ""}`, tabindex: -1, role: "button",
      "aria-label": `${runText(run)}; ${measureName(trade.across)} ${numberText(run.measures[trade.across])}, `
        + `${measureName(trade.down)} ${numberText(run.measures[trade.down])}${onFront.has(run) ? "; on the Pareto front" : ""}`
        + (HAS_GROUPS ? `; ${groupName(run)}` : ""),
      on: {
        click: () => openViewer(run),
        keydown: (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); openViewer(run); } },
      },
    },
    makeSvg("circle", { cx: x, cy: y, r: 14, class: "reach" }),
    makeSvg("circle", { cx: x, cy: y, r: onFront.has(run) ? small + 2 : small, class: "mark", css: { fill: colors.of(run) } }));
    hasTip(dot, run);
    frame.svg.append(lights(dot, run));
  }
  const labels = [];
  for (const { run } of best) {
    const [x, y] = at(run);
    const isRight = x > (MARGIN.left + frame.right) / 2; // there is room at its left
    const name = `run ${shortened(run.name)}`;
    const width = name.length * LETTER;
    const left = isRight ? x - 9 - width : x + 9;
    // where names would cover each other, the better run's stays; each stands in the list and in its tip
    if (labels.some((other) => left < other.right && other.left < left + width && Math.abs(y - other.y) < LINE)) continue;
    labels.push({ left, right: left + width, y });
    frame.svg.append(makeSvg("text", {
      x: isRight ? x - 9 : x + 9, y: y - 7, "text-anchor": isRight ? "end" : "start", class: "named", "aria-hidden": "true",
    }, name));
  }
  figure.replaceChildren(frame.svg, legendList(colors.legend));
  trade.settle();
}

function drawBest(best, fronts) {
  const onFront = new Set(fronts.flat());
  byId("best").replaceChildren(...best.map(({ run, score, index }) => {
    const button = make("button", { type: "button", class: "best-run", on: { click: () => openViewer(run) } },
      make("span", { class: "place" }, placeText(index + 1)), image(run.picture, "") || make("span", { class: "no-thumb" }),
      make("span", { class: "best-text" }, make("b", {}, titleOf(run)), make("span", {}, settingsText(run)),
        make("span", { class: "hint" }, `${measureName(trade.across)} ${measured(run, trade.across)} · `
          + `${measureName(trade.down)} ${measured(run, trade.down)}`
          + ` · score ${score.toFixed(2)}${onFront.has(run) ? " · Pareto" : ""}`)));
    const heading = HAS_GROUPS && index === 0 ? make("h3", {}, groupName(run)) : null;
    return make("li", {}, heading, lights(button, run));
  }));
}

function drawTradeOff() {
  const runs = rankable();
  const left = shared.shown.length - runs.length;
  if (!runs.length) {
    byId("scatter").replaceChildren(make("p", { class: "notice" }, "No completed run here has both measures."));
    byId("best").replaceChildren();
    byId("trade-off-hint").textContent = "";
    return;
  }
  const groups = inGroups(runs);
  if (!trade.chosen) {
    trade.weight = startingWeight(groups);
    trade.drawWeight();
  }
  const fronts = groups.map(paretoFront);
  const most = Math.max(FEWEST_BEST, Math.ceil(BEST / groups.length));
  const best = groups.slice(0, MOST_GROUPS).flatMap((members) => scored(members, groups).slice(0, most)
    .map((one, index) => ({ ...one, index })));
  byId("trade-off-hint").textContent = (groups.length > 1
    ? "A line for each group of runs with the same content, styles and size joins its Pareto front: runs that no other of the group "
      + "beats in one measure without losing in the other. The best few of each group are named. The score weighs both measures, each "
      + "from 0 (best run of the group) to 1 (the widest range of any group)."
      + (groups.length > MOST_GROUPS ? ` The list has the first ${MOST_GROUPS} of ${groups.length} groups.` : "")
    : "The line joins the Pareto front: runs that no other beats in one measure without losing in "
      + "the other. The best few are named. The score weighs both measures, each from 0 (best run shown) to 1 (worst).")
    + (byTerminal() && !trade.chosen ? ` Its weight is at first that of content + ${DATA.style_against_content} style.` : "")
    + (left ? ` ${left} ${left === 1 ? "run is" : "runs are"} left out: not completed, or not measured.` : "");
  drawScatter(runs, fronts, best);
  drawBest(best, fronts);
}

function setUpTradeOff() {
  if (!byId("trade-off")) return;
  const names = DATA.measures.map(({ name }) => name).filter((name) => RUNS.some((run) => measureOf(run, name) !== null));
  if (names.length < 2) {
    byId("trade-off").hidden = true;
    document.querySelector('a[href="#trade-off"]').hidden = true;
    return;
  }
  const first = (wanted, fallback) => (names.includes(wanted) ? wanted : fallback);
  trade.across = first("content_distance", names[0]);
  trade.down = first("style_distance", names.find((name) => name !== trade.across));
  trade.settle = roving(byId("scatter"), ".dot");
  const options = names.map((name) => [name, measureName(name)]);
  const weight = byId("trade-off-weight");
  trade.drawWeight = () => weight.replaceChildren(makeRange("trade-off", {
    low: 0, high: 1, step: 0.01, value: trade.weight,
    text: (value) => `${Math.round((1 - value) * 100)} % ${measureName(trade.across)}, ${Math.round(value * 100)} % ${measureName(trade.down)}`,
  }, (value) => { Object.assign(trade, { weight: value, chosen: true }); drawTradeOff(); }));
  const redraw = () => {
    const [across, up] = byId("trade-off-controls").querySelectorAll("select");
    [across.value, up.value] = [trade.across, trade.down];
    trade.drawWeight();
    drawTradeOff();
    writeAddressSoon();
  };
  // a measure against itself says nothing: the other axis takes what this one had
  const choose = (axis, other, name) => {
    if (trade[other] === name) trade[other] = trade[axis];
    trade[axis] = name;
    redraw();
  };
  byId("trade-off-controls").append(
    makeSelect("across", options, trade.across, (name) => choose("across", "down", name)),
    makeSelect("up", options, trade.down, (name) => choose("down", "across", name)),
    colorSelect());
  const start = { across: trade.across, up: trade.down };
  inAddress({
    write: () => (trade.across === start.across && trade.down === start.up ? {} : { across: trade.across, up: trade.down }),
    read: (said) => {
      const asked = { across: said.get("across"), up: said.get("up") };
      const isKnown = names.includes(asked.across) && names.includes(asked.up) && asked.across !== asked.up;
      const { across, up } = isKnown ? asked : start;
      if (trade.across === across && trade.down === up) return;
      [trade.across, trade.down] = [across, up];
      redraw();
    },
  });
  trade.drawWeight();
  onChange("shown", drawTradeOff);
  onChange("colorBy", drawTradeOff);
  redrawnWithWidth(byId("scatter"), drawTradeOff);
}
