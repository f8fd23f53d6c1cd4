/** Keeps a <details> open on wide screens, where there is room for it, and folded on narrow ones until somebody opens it. */
export function unfoldWhenWide(details, query = matchMedia("(min-width: 1025px)")) {
  const follow = () => (details.open = query.matches);
  query.addEventListener("change", follow);
  follow();
}
