// Any two runs: pictures, their amplified difference, and where configuration and yardstick differ.

const sides = { chosen: [null, null], amplify: 4, divided: false, zoom: null };

function chooseSide(which, run) {
  if (!byId("side-by-side")) return;
  sides.chosen[which] = run;
  document.querySelectorAll("#side-by-side-controls select")[which].value = String(run.index);
  announce(`Run ${run.name} is ${"AB"[which]} of the comparison.`);
  drawSides();
}

function drawSides() {
  const [a, b] = sides.chosen;
  const place = byId("side-by-side-pictures");
  const { zoom } = sides;
  zoom.begin();
  const enlarging = (run, ...content) => make("button", {
    type: "button", class: "plain", "aria-label": `Enlarge run ${run.name}`, on: { click: () => openViewer(run) },
  }, ...content);
  const figure = (label, content, run) => make("figure", {}, make("figcaption", {},
    make("b", {}, label), " ", run ? [runText(run), " ", run.picture === null ? null : enlarging(run, "⤢")] : ""), content);
  const framed = (run, name) => {
    if (run.picture === null) return enlarging(run, placeholder(run));
    const result = image(run.picture, `Result of ${name}`);
    return zoom.pane(result, {
      label: `${name}, run ${run.name}`, name, picture: pictureOf(run.picture),
      whenZoomed: () => showOriginal(result, run.original),
    });
  };
  const both = a.picture !== null && b.picture !== null;
  const pictures = [];
  if (both && sides.divided) {
    const [first, second] = [image(a.picture, "A"), image(b.picture, "B")];
    const divided = beforeAfter(first, second, { beforeName: "A", afterName: "B", stretch: true });
    pictures.push(figure("A | B", zoom.pane(divided, {
      label: `A, run ${a.name}, and B, run ${b.name}, divided`, name: "B", picture: pictureOf(b.picture),
      whenZoomed: () => { showOriginal(first, a.original); showOriginal(second, b.original); },
    })));
  } else {
    pictures.push(figure("A", framed(a, "A"), a), figure("B", framed(b, "B"), b));
  }
  if (both) {
    const said = make("output", { class: "hint", id: "difference-text" });
    const canvas = make("canvas", { id: "difference", role: "img", "aria-label": "Difference of the two pictures" });
    const exact = make("div", { class: "exact", hidden: true });
    const difference = zoom.pane([canvas, exact], {
      label: "Difference of A and B", picture: pictureOf(a.picture), whenZoomed: () => showExactDifference(exact, a, b),
    });
    pictures.push(figure("|A − B|", [difference, said]));
    drawDifference(canvas, said, a, b);
  }
  place.className = sides.divided ? "trio duo" : "trio";
  place.replaceChildren(...pictures);
  zoom.end();
  byId("side-by-side-tables").replaceChildren(settingsDifference(a, b), measuresDifference(a, b));
  writeAddressSoon();
}

async function drawDifference(canvas, said, a, b) {
  const [first, second] = await Promise.all([a, b].map(async (run) => {
    const element = image(run.picture, "");
    // not decode(), which may refuse while memory is short
    if (!element.complete) await new Promise((loaded) => { element.addEventListener("load", loaded); });
    return element;
  }));
  if (sides.chosen[0] !== a || sides.chosen[1] !== b) return; // others were chosen meanwhile
  byId("side-by-side-pictures").style.setProperty("--amplify", String(sides.amplify));
  const { width, height } = pictureOf(a.picture);
  [canvas.width, canvas.height] = [width, height];
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const pixels = (element) => {
    pen.drawImage(element, 0, 0, width, height);
    return pen.getImageData(0, 0, width, height);
  };
  const [one, other] = [pixels(first), pixels(second)];
  let sum = 0;
  for (let at = 0; at < one.data.length; at += 4) {
    for (let channel = at; channel < at + 3; channel += 1) {
      const difference = Math.abs(one.data[channel] - other.data[channel]);
      sum += difference;
      one.data[channel] = difference * sides.amplify; // clamped by its type
    }
  }
  pen.putImageData(one, 0, 0);
  const mean = sum / (width * height * 3);
  canvas.dataset.mean = mean.toFixed(3);
  said.textContent = `Mean difference ${mean.toFixed(1)} of 255 levels, between thumbnails; shown times ${sides.amplify}.`;
}

// Of the originals, where the page lies beside them. The browser makes it while it paints: a page that was opened
// as a file may show the pixels of other files, but not read them, so the mean is that of thumbnails.
function showExactDifference(place, ...runs) {
  if (!runs.every((run) => run.original?.startsWith("./"))) return;
  const originals = runs.map((run) => make("img", { alt: "", draggable: "false" }));
  for (const [index, original] of originals.entries()) {
    original.addEventListener("load", () => { place.hidden = !originals.every((one) => one.complete && one.naturalWidth); });
    original.src = runs[index].original;
  }
  place.append(...originals);
}

function differenceTable(caption, rows, empty) {
  if (!rows.length) return make("div", {}, make("h3", {}, caption), make("p", { class: "hint" }, empty));
  return make("div", {}, make("h3", {}, caption), make("div", { class: "table-scroll" }, make("table", { class: "difference" },
    make("thead", {}, make("tr", {}, ["", "A", "B", ...(rows[0].length > 3 ? ["B − A"] : [])].map((text) => make("th", { scope: "col" }, text)))),
    make("tbody", {}, rows.map(([name, ...cells]) => make("tr", {}, make("th", { scope: "row" }, breakable(name)),
      cells.map((text) => make("td", {}, text))))))));
}

function settingsDifference(a, b) {
  const names = [...new Set([...Object.keys(a.settings), ...Object.keys(b.settings)])].sort();
  const rows = names.filter((name) => keyOf(a.settings[name]) !== keyOf(b.settings[name]))
    .map((name) => [name, settingText(a.settings[name]), settingText(b.settings[name])]);
  return differenceTable("Configuration", rows, a === b ? "The same run twice." : "Not one setting differs.");
}

function measuresDifference(a, b) {
  const rows = DATA.measures.filter(({ name }) => a.measures[name] !== undefined || b.measures[name] !== undefined)
    .map(({ name }) => {
      const [first, second] = [measureOf(a, name), measureOf(b, name)];
      const change = first === null || second === null ? "–" : changeText(name, second - first);
      return [measureName(name), measured(a, name), measured(b, name), change];
    });
  return differenceTable("Yardstick", rows, "Neither run was measured.");
}

function changeText(name, value) {
  const text = measureText(name, Number(Math.abs(value).toPrecision(3)));
  return value === 0 ? "0" : `${value > 0 ? "+" : "−"}${text}`;
}

// The first run and the one that differs from it in the fewest settings, but not in the seed alone: what is
// seen has one cause.
function startingSides(runs) {
  const told = VARYING.filter((name) => name !== "seed");
  const differing = (a, b) => (told.length ? told : VARYING).filter((name) => keyOf(a.settings[name]) !== keyOf(b.settings[name])).length;
  const [first] = runs;
  const others = runs.slice(1).map((run) => ({ run, count: differing(first, run) })).filter(({ count }) => count > 0);
  if (!others.length) return [first, runs[runs.length - 1]];
  return [first, others.reduce((best, one) => (one.count < best.count ? one : best)).run];
}

function setUpSideBySide() {
  if (!byId("side-by-side")) return;
  const pictured = RUNS.filter((run) => run.picture !== null);
  const pool = pictured.length >= 2 ? pictured : RUNS;
  sides.chosen = startingSides(pool);
  const options = RUNS.map((run) => [String(run.index), runText(run)]);
  const controls = byId("side-by-side-controls");
  sides.zoom = makeZoom(byId("side-by-side-pictures"));
  [0, 1].forEach((which) => controls.append(makeSelect("AB"[which], options, String(sides.chosen[which].index),
    (index) => { sides.chosen[which] = RUNS[Number(index)]; drawSides(); })));
  controls.append(
    make("button", { type: "button", class: "quiet", "aria-label": "Swap A and B", on: { click: () => {
      const [a, b] = sides.chosen;
      chooseSide(0, b);
      chooseSide(1, a);
    } } }, "⇄"),
    makeChoice("How the pictures stand", [["side", "beside"], ["divided", "divided"]], "side",
      (mode) => { sides.divided = mode === "divided"; drawSides(); }),
    makeRange("amplify", { low: 1, high: 32, step: 1, value: sides.amplify, text: (value) => `× ${value}` },
      (value) => {
        sides.amplify = value;
        const canvas = byId("difference");
        if (canvas) drawDifference(canvas, byId("difference-text"), ...sides.chosen);
      }),
    sides.zoom.controls);
  const start = [...sides.chosen];
  inAddress({
    write: () => (sides.chosen.every((run, which) => run === start[which]) ? {} : { a: sides.chosen[0].name, b: sides.chosen[1].name }),
    read: (said) => {
      const asked = ["a", "b"].map((key) => RUNS.find((run) => run.name === said.get(key)));
      const wanted = asked.map((run, which) => run || start[which]);
      if (wanted.every((run, which) => run === sides.chosen[which])) return;
      sides.chosen = wanted;
      controls.querySelectorAll("select").forEach((select, which) => { select.value = String(wanted[which].index); });
      drawSides();
    },
  });
  drawSides();
}
