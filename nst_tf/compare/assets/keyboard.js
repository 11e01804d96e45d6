// One tab stop for many things: arrows move among them, as among the cells of a spreadsheet.

function roving(container, selector) {
  const items = () => [...container.querySelectorAll(selector)];

  function settle(focused) {
    for (const item of items()) item.setAttribute("tabindex", item === focused ? "0" : "-1");
  }

  container.addEventListener("focusin", (event) => {
    const item = event.target.closest(selector);
    if (item) settle(item);
  });
  container.addEventListener("keydown", (event) => {
    const item = event.target.closest(selector);
    if (!item || event.ctrlKey || event.metaKey || event.altKey) return;
    const all = items();
    const next = {
      ArrowRight: () => all[all.indexOf(item) + 1],
      ArrowLeft: () => all[all.indexOf(item) - 1],
      ArrowDown: () => nearest(item, all, 1),
      ArrowUp: () => nearest(item, all, -1),
      Home: () => all[0],
      End: () => all[all.length - 1],
    }[event.key]?.();
    if (!next) return;
    event.preventDefault();
    next.focus();
  });
  return () => settle(items()[0]); // call it whenever the things were made anew
}

// The nearest thing below (1) or above (-1), preferring what stands in the same column.
function nearest(item, all, direction) {
  const centre = (element) => {
    const box = element.getBoundingClientRect();
    return [box.left + box.width / 2, box.top + box.height / 2];
  };
  const [x, y] = centre(item);
  let [best, least] = [null, Infinity];
  for (const other of all) {
    const [across, down] = centre(other);
    if (other === item || (down - y) * direction < 4) continue;
    const distance = Math.abs(across - x) * 3 + Math.abs(down - y);
    if (distance < least) [best, least] = [other, distance];
  }
  return best;
}
