/* Keeps "3 min ago" true between refreshes, in the page's language. */

const UNITS = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600],
  ["minute", 60], ["second", 1]];
const format = new Intl.RelativeTimeFormat(document.documentElement.lang || "en",
  { style: "short", numeric: "always" });

function words(instant) {
  const seconds = (new Date(instant) - Date.now()) / 1000;
  const size = Math.abs(seconds);
  const [unit, length] = UNITS.find(([, span]) => size >= span * 1.2) || ["second", 1];
  const text = format.format(Math.round(seconds / length), unit);
  return text;
}

function refresh() {
  if (document.visibilityState !== "visible") return;
  document.querySelectorAll("time[data-relative]").forEach((node) => {
    const text = words(node.dateTime);
    if (node.textContent !== text) node.textContent = text;
  });
}
setInterval(refresh, 5000);
