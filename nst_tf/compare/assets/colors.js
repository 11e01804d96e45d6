// Colors of runs in charts: by a setting (numbers as a ramp, names as distinct hues), or run by run.

const DISTINCT = 8; // --hue-0 ... --hue-7 in the style sheet, after Okabe and Ito 2008

const BY_RUN = "*run";
const BY_GROUP = "*group";

// The legend tells only of the ``runs`` that a chart shows; their colors are the same whatever the filter.
function coloring(runs) {
  const by = shared.colorBy;
  if (by === BY_RUN) {
    const few = CHARTED.length <= DISTINCT;
    const at = (run) => CHARTED.indexOf(run);
    const of = (run) => (few ? `var(--hue-${at(run)})` : ramp(at(run) / Math.max(1, CHARTED.length - 1)));
    const alike = VARYING.filter((name) => valuesOf(name, runs).length < 2);
    return { of, legend: few ? runs.map((run) => [of(run), runText(run, alike)]) : [] };
  }
  if (by === BY_GROUP) {
    const of = (group) => (group === null ? "var(--soft)"
      : DATA.groups.length <= DISTINCT ? `var(--hue-${group})` : ramp(group / (DATA.groups.length - 1)));
    const shown = inGroups(runs).map(([run]) => run).filter(groupName);
    return { of: (run) => of(run.group), legend: (shown.length > 12 ? ends(shown) : shown).map((run) => [of(run.group), groupName(run)]) };
  }
  const values = valuesOf(by, CHARTED);
  const numeric = values.length > 2 && values.every((value) => typeof value === "number");
  const place = new Map(values.map((value, index) => [keyOf(value), index]));
  const at = (index) => (numeric || values.length > DISTINCT
    ? ramp(index / Math.max(1, values.length - 1)) : `var(--hue-${index})`);
  const of = (value) => at(place.get(keyOf(value)));
  const shown = valuesOf(by, runs);
  return {
    of: (run) => of(run.settings[by]),
    legend: (shown.length > 12 ? ends(shown) : shown).map((value) => [of(value), labelText(by, value)]),
  };
}

function ends(values) {
  return [0, Math.floor(values.length / 2), values.length - 1].map((index) => values[index]);
}

// From violet over green to amber, as viridis; lightness is the theme's, so that both ends can be seen.
function ramp(share) {
  return `hsl(${Math.round(275 - 235 * share)} var(--ramp-saturation) var(--ramp-lightness))`;
}

function startingColor() {
  if (HAS_GROUPS) return BY_GROUP;
  const useful = VARYING.filter((name) => valuesOf(name, CHARTED).length > 1);
  return CHARTED.length <= DISTINCT || !useful.length ? BY_RUN : useful[0];
}

// The same choice stands above both charts; each follows the other.
function colorSelect() {
  const options = [...VARYING.map((name) => [name, shortName(name)]), [BY_RUN, "run"], ...(HAS_GROUPS ? [[BY_GROUP, "group"]] : [])];
  const field = makeSelect("color", options, shared.colorBy, (name) => change("colorBy", name));
  onChange("colorBy", (name) => { field.querySelector("select").value = name; });
  return field;
}

function legendList(legend) {
  return make("ul", { class: "legend" }, legend.map(([color, text]) =>
    make("li", {}, make("span", { class: "swatch", css: { background: color } }), text)));
}
