const MOST_TOLD = 10; // settings: more would cover the page

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
  if (window.matchMedia("(hover: hover)").matches) {
    element.addEventListener("mouseenter", () => {
      show();
      // the page moves on under it, and the pointer is then somewhere else
      window.addEventListener("wheel", hide, { passive: true, once: true });
    });
  }
  element.addEventListener("mouseleave", hide);
  element.addEventListener("focus", () => { if (element.matches(":focus-visible")) show(); });
  element.addEventListener("blur", hide);
  element.addEventListener("click", hide);
  element.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
}

function tipRows(run) {
  const set = VARYING.filter((name) => run.settings[name] !== undefined).slice(0, MOST_TOLD);
  const settings = set.map((name) => [shortName(name), shortened(labelText(name, run.settings[name]))]);
  const measures = DATA.measures.filter(({ name }) => !name.includes("/") && run.measures[name] !== undefined)
    .map(({ name }) => [measureName(name), measured(run, name)]);
  const list = (rows) => (rows.length
    ? [make("dl", {}, rows.flatMap(([name, text]) => [make("dt", {}, name), make("dd", {}, text)]))] : []);
  const head = make("p", {}, make("b", {}, run.name), " ", make("span", { class: "status", "data-status": run.status }, run.status));
  return [head, ...(run.error ? [make("p", {}, run.error)] : []), ...list(settings), ...list(measures)];
}
