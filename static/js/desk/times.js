/** Writes moments in the reader's own time zone. Knows nothing else of a page than the elements it is given. */
const FORMAT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

/** Each shows its `datetime`; one with `data-keep` keeps its own words and says the moment on hover. */
export function showInLocalTime(elements) {
  for (const element of elements) {
    const moment = new Date(element.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    if ("keep" in element.dataset) element.title = FORMAT.format(moment);
    else element.textContent = FORMAT.format(moment);
  }
}
