/** Gives each cell of a table its column's name, for narrow screens on which rows become cards. */
export function labelCells(table) {
  const names = [...table.querySelectorAll("thead th")].map((head) => head.querySelector(".text")?.textContent.trim() ?? "");
  for (const row of table.querySelectorAll("tbody tr")) {
    [...row.children].forEach((cell, place) => (cell.dataset.label = names[place] ?? ""));
  }
}
