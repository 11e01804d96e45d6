// What is looked at stands in the page's address, after "#", so that it can be passed on and opened again:
// "#table&filter=adam&sort=-measure%3Assim". Only what differs from the page as it begins is written.
// An address comes from anybody: each part takes only what it knows, and ignores all else.

const LONGEST_FRAGMENT = 10_000; // letters; beyond that, browsers and mail cut addresses
const WRITTEN_AFTER = 150; // milliseconds: once for a typed word, for some browsers refuse more than 3 a second

const address = { parts: [], section: "", timer: null, isOpen: false };

// A part of the page writes {key: text} and reads URLSearchParams, in which what is missing is as it was at first.
function inAddress(part) {
  address.parts.push(part);
}

function writeAddressSoon() {
  if (!address.isOpen) return;
  clearTimeout(address.timer);
  address.timer = setTimeout(writeAddress, WRITTEN_AFTER);
}

function writeAddress() {
  const said = new URLSearchParams(address.parts.flatMap((part) => Object.entries(part.write())));
  const fragment = [address.section, String(said)].filter(Boolean).join("&");
  if (fragment === window.location.hash.slice(1) || fragment.length > LONGEST_FRAGMENT) return;
  // pages of some places may not change their address
  try { history.replaceState(null, "", fragment ? `#${fragment}` : window.location.href.split("#")[0]); } catch { /* forbidden */ }
}

function readAddress() {
  const fragment = window.location.hash.slice(1);
  const pieces = fragment.length > LONGEST_FRAGMENT ? [] : fragment.split("&");
  const sections = [...document.querySelectorAll("main > section")];
  const section = sections.find(({ id }) => id === pieces[0]);
  address.section = section ? section.id : "";
  const isState = pieces.some((piece) => piece.includes("="));
  if (isState || !address.isOpen) {
    const said = new URLSearchParams(pieces.filter((piece) => piece.includes("=")).join("&"));
    for (const part of address.parts) part.read(said);
  }
  if (isState && section) section.scrollIntoView(); // the browser finds only what is an id alone
}

// After all parts are there.
function setUpAddress() {
  readAddress();
  address.isOpen = true;
  // a link to a section leaves the state as it is, going back and a new address change it
  window.addEventListener("hashchange", () => { readAddress(); writeAddress(); });
}
