/** The faults of a page as sentences: overflow, text below 4.5:1 (3:1 where large), fields without a name, headings. */
() => {
  const faults = [];
  const shown = (element) => element.checkVisibility() && element.getClientRects().length > 0;
  const parse = (color) => {
    const canvas = (window.measuring ??= Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true }));
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((part) => (part /= 255) <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const groundOf = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const ground = parse(getComputedStyle(at).backgroundColor);
      if (ground[3] > 0.99) return ground;
    }
    return parse(getComputedStyle(document.documentElement).colorScheme.includes("dark") ? "#000" : "#fff");
  };

  if (document.documentElement.scrollWidth > innerWidth) faults.push(`${document.documentElement.scrollWidth} px wide`);
  const seen = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !shown(element) || element.closest("svg, .visually-hidden, .skip-to-content-link, option")) continue;
    const style = getComputedStyle(element);
    const ground = groundOf(element);
    const [light, dark] = [luminance(parse(style.color)), luminance(ground)].sort((one, two) => two - one);
    const ratio = (light + 0.05) / (dark + 0.05);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.5 && style.fontWeight >= 700);
    const fault = `${ratio.toFixed(2)}:1 of "${walker.currentNode.data.trim().slice(0, 30)}" (${element.tagName.toLowerCase()}.${element.className})`;
    if (ratio < (large ? 3 : 4.5) && !seen.has(fault)) faults.push([...seen.add(fault)].pop());
    if (parseFloat(style.fontSize) < 12) faults.push(`${style.fontSize} text "${walker.currentNode.data.trim().slice(0, 30)}"`);
  }
  for (const field of document.querySelectorAll("input:not([type=hidden]), select, textarea")) {
    const named = field.labels?.length || field.getAttribute("aria-label") || field.getAttribute("aria-labelledby") || field.type === "submit";
    if (!named) faults.push(`no name for ${field.outerHTML.slice(0, 80)}`);
  }
  const levels = [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].filter(shown).map((heading) => Number(heading.tagName[1]));
  if (levels.filter((level) => level === 1).length !== 1 || levels[0] !== 1) faults.push(`headings ${levels}`);
  levels.forEach((level, place) => place && level > levels[place - 1] + 1 && faults.push(`heading h${level} after h${levels[place - 1]}`));
  return faults;
}
