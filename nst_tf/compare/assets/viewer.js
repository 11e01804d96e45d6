// One run, enlarged: its picture, the divider against content and styles, and all that is known of it.

const RESULT = "result";
const viewer = { run: null, mode: RESULT, result: null, showProgress: null };

function openViewer(run) {
  viewer.run = run;
  drawViewer();
  const dialog = byId("viewer");
  if (!dialog.open) dialog.showModal();
  (dialog.querySelector(".viewer-next") || dialog.querySelector(".viewer-close")).focus({ preventScroll: true });
}

function viewerModes(run) {
  const modes = [[RESULT, "Result"]];
  if (run.picture === null) return [];
  if (run.content !== null) modes.push(["content", "Against content"]);
  run.styles.forEach((number, index) => {
    modes.push([`style-${index}`, run.styles.length > 1 ? `Against style ${index + 1}` : "Against style"]);
  });
  return modes;
}

function drawStage() {
  const run = viewer.run;
  const stage = byId("viewer-stage");
  const result = image(run.picture, `Result of run ${run.name}`);
  if (!result) {
    stage.replaceChildren(placeholder(run));
    return;
  }
  viewer.result = result;
  showOriginal(result, run.original);
  if (viewer.mode === RESULT) {
    stage.replaceChildren(make("div", { class: "frame" }, result));
  } else {
    const isContent = viewer.mode === "content";
    const number = isContent ? run.content : run.styles[Number(viewer.mode.split("-")[1])];
    const name = isContent ? "content" : "style";
    const other = image(number, `The ${name}`);
    stage.replaceChildren(beforeAfter(other, result, { beforeName: name, afterName: "result", stretch: isContent }));
  }
  const { width, height } = pictureOf(run.picture);
  stage.style.setProperty("--shape", `${width} / ${height}`);
  stage.style.setProperty("--ratio", String(width / height));
}

// The thumbnail stays until the original is there; where the page lies alone, the thumbnail stays.
function showOriginal(element, address) {
  if (!address || !address.startsWith("./")) return;
  element.dataset.wanted = address;
  const original = new Image();
  original.addEventListener("load", () => { if (element.dataset.wanted === address) element.src = address; });
  original.src = address;
}

// The pictures of its steps, as long as the page lies beside them; the last place is the result.
function progressRange(run) {
  if (!run.progress?.folder.startsWith("./")) return null;
  const { folder, steps } = run.progress;
  const hint = make("span", { class: "hint" });
  const show = (at) => {
    const { result } = viewer;
    hint.textContent = "";
    if (at === steps.length) {
      result.dataset.wanted = "";
      result.src = pictureOf(run.picture).src;
      showOriginal(result, run.original);
      return;
    }
    const address = `${folder}step-${String(steps[at]).padStart(6, "0")}.png`;
    result.dataset.wanted = address;
    const picture = new Image();
    const isWanted = () => viewer.result === result && result.dataset.wanted === address;
    picture.addEventListener("load", () => { if (isWanted()) result.src = address; });
    picture.addEventListener("error", () => { if (isWanted()) hint.textContent = "Its picture does not lie beside this page."; });
    picture.src = address;
  };
  const range = makeRange("progress", {
    low: 0, high: steps.length, step: 1, value: steps.length,
    text: (at) => (at === steps.length ? "result" : `step ${steps[at]}`),
  }, show);
  viewer.showProgress = () => {
    const at = Number(range.querySelector("input").value);
    if (at < steps.length) show(at);
  };
  return make("div", { class: "progress" }, range, hint);
}

function commandBlock(label, command, missing) {
  if (!command) return make("div", { class: "command" }, make("span", {}, label), make("p", { class: "hint" }, missing));
  return make("div", { class: "command" }, make("span", {}, label),
    make("div", { class: "command-line" }, make("code", {}, command), copyButton(command, `Copy the command: ${label}`)));
}

function definitionTable(caption, rows) {
  if (!rows.length) return null;
  return make("table", { class: "pairs" }, make("caption", {}, caption),
    make("tbody", {}, rows.map(([name, text, title]) =>
      make("tr", {}, make("th", { scope: "row", title }, breakable(name)), make("td", {}, text)))));
}

function viewerFacts(run) {
  const varying = VARYING.filter((name) => run.settings[name] !== undefined).map((name) => [shortName(name), settingText(run.settings[name]), name]);
  const rest = Object.keys(run.settings).filter((name) => !VARYING.includes(name)).sort();
  const measures = DATA.measures.filter(({ name }) => run.measures[name] !== undefined);
  const row = ({ name, meaning }) => [measureName(name), measured(run, name), meaning || null];
  const layers = measures.filter(({ name }) => name.includes("/"));
  const from = typeof run.typed_in === "string" ? `To be typed in ${run.typed_in}` : null;
  return [
    run.error ? make("p", { class: "error" }, run.error) : null,
    typeof run.settings.notes === "string" ? make("p", {}, run.settings.notes) : null,
    run.average_of.length ? make("p", { class: "hint" }, `Means of ${listText(run.average_of.map((name) => `run ${name}`))}, ± standard deviation; picture and commands are those of the first.`) : null,
    definitionTable("What varies", varying),
    definitionTable("Yardstick", measures.filter(({ name }) => !name.includes("/")).map(row)),
    layers.length ? make("details", {}, make("summary", {}, "Layer by layer"), definitionTable("", layers.map(row))) : null,
    commandBlock("this run alone, from its words", run.command, "Its words can't be shown as a command: one is an option or holds control characters."),
    from && run.command ? make("p", { class: "hint" }, from) : null,
    commandBlock("the same again, from its folder", run.rerun, "Its folder's name holds control characters."),
    rest.length === 0 ? null : make("details", {}, make("summary", {}, varying.length ? `The other ${rest.length} settings` : `All ${rest.length} settings`),
      definitionTable("", rest.map((name) => [name, settingText(run.settings[name])]))),
  ];
}

function drawViewer() {
  const { run } = viewer;
  const dialog = byId("viewer");
  const modes = viewerModes(run);
  if (!modes.some(([mode]) => mode === viewer.mode)) viewer.mode = RESULT;
  const at = grid.order.indexOf(run);
  viewer.showProgress = null;
  const progress = run.picture === null ? null : progressRange(run);
  const turn = (by, label, symbol, name) => make("button", {
    type: "button", class: `quiet ${name}`, "aria-label": label, on: { click: () => turnViewer(by) },
  }, symbol);
  const side = (which, letter) => make("button", {
    type: "button", class: "quiet", on: { click: () => { chooseSide(which, run); announce(`Run ${run.name} is ${letter}.`); } },
  }, `Compare as ${letter}`);
  dialog.replaceChildren(
    make("div", { class: "viewer-head" },
      make("h2", { id: "viewer-title" }, `Run ${run.name}`, " ",
        make("span", { class: "status", "data-status": run.status }, run.status)),
      make("div", { class: "viewer-turn" },
        grid.order.length > 1 ? [
          turn(-1, "Previous run", "←", "viewer-previous"),
          make("span", { class: "hint" }, at < 0 ? "" : `${at + 1} of ${grid.order.length}`),
          turn(1, "Next run", "→", "viewer-next"),
        ] : null,
        make("button", { type: "button", class: "quiet viewer-close", "aria-label": "Close", on: { click: () => dialog.close() } }, "✕"))),
    make("div", { class: "viewer-body" },
      make("div", { class: "viewer-left" },
        make("div", { class: "stage", id: "viewer-stage" }),
        progress,
        make("div", { class: "controls" },
          modes.length > 1 ? makeChoice("What is shown", modes, viewer.mode, (mode) => { viewer.mode = mode; drawStage(); viewer.showProgress?.(); }) : null,
          RUNS.length > 1 ? [side(0, "A"), side(1, "B")] : null,
          run.original?.startsWith("./")
            ? make("a", { class: "quiet", href: run.original, target: "_blank", rel: "noopener noreferrer" }, "original ↗") : null)),
      make("div", { class: "viewer-facts", tabindex: 0, role: "region", "aria-label": "Settings and yardstick" }, viewerFacts(run))),
  );
  drawStage();
}

function turnViewer(by) {
  const count = grid.order.length;
  const at = grid.order.indexOf(viewer.run);
  if (count < 2) return;
  const next = grid.order[((at < 0 ? 0 : at + by) + count) % count];
  const hadFocus = document.activeElement?.className || "";
  viewer.run = next;
  drawViewer();
  const again = ["viewer-previous", "viewer-next"].find((name) => hadFocus.includes(name)) || "viewer-next";
  byId("viewer").querySelector(`.${again}`).focus({ preventScroll: true });
  announce(`${runText(next)}; ${next.status}`);
}

function setUpViewer() {
  const dialog = byId("viewer");
  dialog.addEventListener("keydown", (event) => {
    if (event.target.matches("input, select") || event.ctrlKey || event.metaKey || event.altKey) return;
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    turnViewer(by);
  });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("close", () => {
    // back to the picture that was last looked at, not only to the one that was clicked
    const element = byId("grid").querySelector(`[data-run="${viewer.run.index}"]`);
    if (element) element.focus();
    byId("tip").hidden = true;
  });
}
