// The page is put together here: inputs, theme, then each section.

function setUpTheme() {
  const themes = ["auto", "light", "dark"];
  const button = byId("theme");
  const show = (theme) => {
    document.documentElement.dataset.theme = theme;
    button.lastElementChild.textContent = theme;
    button.setAttribute("aria-label", `Colors: ${theme === "auto" ? "as the system" : theme}`);
  };
  let theme = "auto";
  // some browsers keep no storage for pages opened as a file
  try { theme = localStorage.getItem("nst-theme"); } catch { /* forbidden */ }
  if (!themes.includes(theme)) theme = "auto";
  show(theme);
  button.addEventListener("click", () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length];
    show(theme);
    try { localStorage.setItem("nst-theme", theme); } catch { /* forbidden */ }
  });
}

// Content and styles stand in the header where all runs share them.
function setUpInputs() {
  if (!RUNS.length) return;
  // a run that failed early has none
  const shared = (part) => {
    const distinct = new Set(RUNS.map((run) => JSON.stringify([run[part]].flat())).filter((key) => key !== "[]" && key !== "[null]"));
    return distinct.size === 1 ? JSON.parse([...distinct][0]) : [];
  };
  const inputs = [...shared("content").map((number) => [number, "content"]), ...shared("styles").map((number) => [number, "style"])];
  byId("inputs").append(...inputs.slice(0, 5).map(([number, name]) =>
    make("figure", {}, image(number, `The ${name} picture of every run`), make("figcaption", {}, name))));
}

setUpTheme();
setUpInputs();
if (RUNS.length) {
  shared.colorBy = startingColor();
  setUpFilter();
  setUpGrid();
  setUpViewer();
  setUpTradeOff();
  setUpParallel();
  setUpSideBySide();
  setUpLosses();
  setUpTable();
  setUpAddress();
}
document.documentElement.dataset.ready = "true";
