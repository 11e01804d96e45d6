// Two pictures in one place, divided by a line that a range input moves: mouse, touch and arrow keys.

function beforeAfter(before, after, { beforeName, afterName, stretch }) {
  const stage = make("div", { class: "before-after", css: { "--at": "50%" } });
  const range = make("input", {
    type: "range", min: 0, max: 100, step: 0.5, value: 50, class: "divider-range",
    "aria-label": `Divide ${beforeName} (left) from ${afterName} (right)`,
  });
  const say = () => {
    stage.style.setProperty("--at", `${range.value}%`);
    range.setAttribute("aria-valuetext", `${Math.round(range.value)} percent ${beforeName}`);
  };
  range.addEventListener("input", say);
  say();
  before.classList.add("before", ...(stretch ? ["stretched"] : []));
  after.classList.add("after");
  stage.append(
    after, before,
    make("span", { class: "corner left" }, beforeName), make("span", { class: "corner right" }, afterName),
    range, make("span", { class: "divider", "aria-hidden": "true" }),
  );
  return stage;
}
