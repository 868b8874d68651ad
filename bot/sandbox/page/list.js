/** A list of elements kept in step with a list of items, touching only what changed. */

const prints = new WeakMap();

/**
 * Make the children of *container* show *items*.
 *
 * `key(item)` names an item; `print(item)` is an array of everything its element
 * depends on, compared by identity; `render(item)` makes the element.
 */
export function reconcile(container, items, { key, print, render }) {
  const existing = new Map([...container.children].map((child) => [child.dataset.key, child]));
  let next = container.firstElementChild;
  for (const item of items) {
    const name = key(item);
    const element = current(existing.get(name), item, name, print(item), render);
    existing.delete(name);
    if (next?.dataset.key === name) next = element;
    if (element === next) next = element.nextElementSibling;
    else container.insertBefore(element, next);
  }
  for (const leftover of existing.values()) leftover.remove();
}

function current(element, item, name, print, render) {
  if (element && same(prints.get(element), print)) return element;
  const fresh = render(item);
  fresh.dataset.key = name;
  prints.set(fresh, print);
  if (element) exchange(element, fresh);
  return fresh;
}

function same(one, other) {
  return one?.length === other.length && one.every((value, at) => value === other[at]);
}

/** Put *fresh* in the place of *old*, keeping focus and inner scroll positions. */
function exchange(old, fresh) {
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  const scrolls = [...old.querySelectorAll("pre")].map(scrollOf);
  fresh.tabIndex = old.tabIndex;
  old.replaceWith(fresh);
  fresh.querySelectorAll("pre").forEach((pre, at) => scrolls[at]?.(pre));
  if (!focused) return;
  const twin = focused === old ? fresh : fresh.querySelector(twinOf(focused));
  (twin ?? fresh).focus({ preventScroll: true });
}

function scrollOf(pre) {
  const { scrollTop, scrollLeft } = pre;
  const overflows = pre.scrollHeight > pre.clientHeight + 2;
  const follows = overflows && pre.scrollHeight - pre.clientHeight - scrollTop < 4;
  return (fresh) => fresh.scrollTo(scrollLeft, follows ? fresh.scrollHeight : scrollTop);
}

function twinOf(element) {
  return element.dataset.focus ? `[data-focus="${CSS.escape(element.dataset.focus)}"]` : ":scope";
}
