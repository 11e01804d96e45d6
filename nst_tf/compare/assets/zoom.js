// One zoom for several pictures: all show the same share of themselves, however many pixels each has.
// Wheel and pinch zoom at the pointer, dragging moves, a double click shows the whole again; keys and buttons
// do the same.

const MOST_ENLARGED = 16; // pixels of the screen for one of a picture: single ones are then told apart with ease
const WHEEL_RATE = 0.002; // of e, a pixel of the wheel: a notch of a mouse (100 to 120 pixels) is about a quarter
const PINCH_RATE = 0.01; // a touchpad's pinch, which browsers report as a wheel with Ctrl, has smaller numbers
const WHEEL_LINE = 16; // pixels, where a wheel counts lines
const MOVED_BY_KEY = 0.1; // of what is seen
const SCROLLING_ENDS = 250; // milliseconds: a wheel that scrolls the page goes on doing so over a picture

function makeZoom(container) {
  const view = { by: 1, x: 0.5, y: 0.5 }; // times the whole picture; the share of the picture that is in the middle
  const readout = make("output", { class: "zoom-readout", "aria-live": "off" });
  let panes = [];
  let scrolled = -Infinity;
  window.addEventListener("scroll", (event) => { scrolled = event.timeStamp; }, { passive: true });

  // pixels of the screen for one of the picture, when all of it is shown
  const wholeScale = ({ element, width }) => element.getBoundingClientRect().width * window.devicePixelRatio / width;
  // the largest picture can be enlarged so far, and the others with it
  const most = () => Math.max(1, MOST_ENLARGED / Math.min(...panes.map(wholeScale)));
  const percent = (pane) => `${Math.round(view.by * wholeScale(pane) * 100)} %`;

  function show(by, x, y) {
    view.by = Math.min(most(), Math.max(1, by));
    const margin = 0.5 / view.by; // the frame is always full
    [view.x, view.y] = [x, y].map((share) => Math.min(1 - margin, Math.max(margin, share)));
    draw();
  }

  function draw() {
    const zoomed = view.by > 1;
    container.style.setProperty("--zoom", String(view.by));
    container.style.setProperty("--left", `${(0.5 - view.x * view.by) * 100}%`);
    container.style.setProperty("--top", `${(0.5 - view.y * view.by) * 100}%`);
    container.classList.toggle("zoomed", zoomed);
    for (const pane of panes) {
      pane.element.classList.toggle("pixelated", zoomed && view.by * wholeScale(pane) > 0.999);
      if (zoomed) pane.whenZoomed?.();
      if (zoomed) delete pane.whenZoomed; // once
    }
    const texts = panes.filter(({ name }) => name).map((pane) => [pane.name, percent(pane)]);
    const isOne = new Set(texts.map(([, text]) => text)).size === 1;
    readout.textContent = isOne ? texts[0][1] : texts.map((pair) => pair.join(" ")).join(", ");
  }

  // Zoom so that what is at these shares of the frame stays there.
  function zoomAt(by, across = 0.5, down = 0.5) {
    const next = Math.min(most(), Math.max(1, by));
    const kept = 1 / view.by - 1 / next;
    show(next, view.x + (across - 0.5) * kept, view.y + (down - 0.5) * kept);
  }

  const move = (across, down) => show(view.by, view.x + across / view.by, view.y + down / view.by);
  const whole = () => show(1, 0.5, 0.5);
  const toOneToOne = (across, down) => zoomAt(1 / wholeScale(panes[0]), across, down);
  // to the next of 50 %, 100 %, 200 %, ...
  function step(direction) {
    const fine = 1e-6;
    const power = Math.log2(view.by * wholeScale(panes[0]));
    const next = direction > 0 ? Math.floor(power + fine) + 1 : Math.ceil(power - fine) - 1;
    zoomAt(2 ** next / wholeScale(panes[0]));
  }
  const said = (action) => { action(); announce(readout.textContent); };

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input")) return;
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const action = {
      "+": () => step(1), "=": () => step(1), "-": () => step(-1), 0: whole, 1: () => toOneToOne(),
    }[event.key];
    if (action) said(action);
    else if (moves && view.by > 1) move(...moves.map((share) => share * MOVED_BY_KEY));
    else return;
    event.preventDefault();
  }

  function onWheel(event) {
    if (event.timeStamp - scrolled < SCROLLING_ENDS) return;
    if (view.by === 1 && event.deltaY > 0) return; // there is nothing to make smaller: the page scrolls
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? WHEEL_LINE : 1);
    zoomAt(view.by * Math.exp(-pixels * (event.ctrlKey ? PINCH_RATE : WHEEL_RATE)), ...placeOf(event));
  }

  // As shares of the frame that the event is in.
  function placeOf(event) {
    const box = event.currentTarget.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  }

  function followPointers(element) {
    const held = new Map();
    const middle = (axis) => [...held.values()].reduce((sum, place) => sum + place[axis], 0) / held.size;
    const spread = () => {
      const [first, second] = held.values();
      const { clientWidth: width, clientHeight: height } = element;
      return second && Math.hypot((first[0] - second[0]) * width, (first[1] - second[1]) * height);
    };
    element.addEventListener("pointerdown", (event) => {
      if (event.button || event.target.matches("input")) return; // the divider of two pictures is an input
      held.set(event.pointerId, placeOf(event));
      element.setPointerCapture(event.pointerId);
    });
    element.addEventListener("pointermove", (event) => {
      if (!held.has(event.pointerId)) return;
      const [x, y, apart] = [middle(0), middle(1), spread()];
      held.set(event.pointerId, placeOf(event));
      move(x - middle(0), y - middle(1));
      if (apart) zoomAt(view.by * spread() / apart, middle(0), middle(1));
    });
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
      element.addEventListener(end, (event) => held.delete(event.pointerId));
    }
  }

  // A frame around a picture of so many pixels across. What has a ``name`` tells its percentage.
  function pane(content, { label, name, picture, whenZoomed }) {
    const { width, height, full } = picture;
    const element = make("div", {
      class: "pane", tabindex: 0, role: "group", css: { "aspect-ratio": `${width} / ${height}` },
      "aria-label": `${label}. Plus and minus zoom, 1 shows its pixels, 0 all of it, arrow keys move it`,
      on: {
        keydown: onKey,
        dblclick: (event) => {
          if (event.target.matches("input")) return;
          if (view.by > 1) whole(); else toOneToOne(...placeOf(event));
        },
      },
    }, content);
    element.addEventListener("wheel", onWheel, { passive: false });
    followPointers(element);
    panes.push({ element, name, width: full[0], whenZoomed });
    return element;
  }

  const button = (symbol, label, action) => make("button", {
    type: "button", class: "quiet", "aria-label": label, title: label, on: { click: () => panes.length && said(action) },
  }, symbol);
  const controls = make("div", { class: "zoom-controls", role: "group", "aria-label": "Zoom" },
    button("−", "Zoom out", () => step(-1)), readout, button("+", "Zoom in", () => step(1)),
    button("1:1", "A pixel of the picture on a pixel of the screen", () => toOneToOne()), button("whole", "Whole pictures", whole));
  new ResizeObserver(() => { if (panes.length) show(view.by, view.x, view.y); }).observe(container);
  return {
    pane, controls,
    begin: () => { panes = []; },
    end: () => { controls.hidden = !panes.length; if (panes.length) show(view.by, view.x, view.y); },
  };
}
