// The page is put together here: inputs, theme, then each section.

function setUpTheme() {
  const themes = ["auto", "light", "dark"];
  const button = byId("theme");
  const show = (theme) => {
    document.documentElement.dataset.theme = theme;
    button.lastElementChild.textContent = theme;
    button.setAttribute("aria-label", `Colours: ${theme === "auto" ? "as the system" : theme}`);
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
  const same = (part) => RUNS.every((run) => JSON.stringify(run[part]) === JSON.stringify(RUNS[0][part]));
  const inputs = [];
  if (same("content")) inputs.push([RUNS[0].content, "content"]);
  if (same("styles")) RUNS[0].styles.forEach((number) => inputs.push([number, "style"]));
  byId("inputs").append(...inputs.filter(([number]) => number !== null).slice(0, 5).map(([number, name]) =>
    make("figure", {}, image(number, `The ${name} picture of every run`), make("figcaption", {}, name))));
}

setUpTheme();
setUpInputs();
if (RUNS.length) {
  shared.colourBy = startingColour();
  setUpFilter();
  setUpGrid();
  setUpViewer();
  setUpTradeOff();
  setUpSideBySide();
  setUpLosses();
  setUpTable();
}
document.documentElement.dataset.ready = "true";
