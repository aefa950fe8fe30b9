// The age of the page, the visitor's language, and filters. The pages say all the rest without a script.
"use strict";
(function () {
  const page = document.documentElement;
  const stored = {
    get() { try { return localStorage.getItem("forecast-language"); } catch { return null; } },
    set(value) { try { localStorage.setItem("forecast-language", value); } catch { /* a private window */ } },
  };
  const asked = new URLSearchParams(location.search).get("lang");
  if (asked === "en" || asked === "fr") stored.set(asked);
  const wanted = asked || stored.get() || ((navigator.language || "en").toLowerCase().startsWith("fr") ? "fr" : "en");
  const other = document.querySelector("a[data-language]");
  if (other) {
    other.addEventListener("click", () => stored.set(other.dataset.language));
    if (wanted === other.dataset.language && wanted !== page.lang) location.replace(other.getAttribute("href") + location.hash);
  }

  // The page of a station is written when there is news of it. What every page says of the last run comes from times.js.
  for (const place of document.querySelectorAll("[data-times]")) {
    if (typeof forecastTimes !== "undefined") place.innerHTML = forecastTimes[page.lang];
  }

  const words = new Intl.RelativeTimeFormat(page.lang, { numeric: "always" });
  function ago(seconds) {
    if (seconds < 5400) return words.format(-Math.max(1, Math.round(seconds / 60)), "minute");
    if (seconds < 172800) return words.format(-Math.round(seconds / 3600), "hour");
    return words.format(-Math.round(seconds / 86400), "day");
  }
  function tell() {
    const now = Date.now() / 1000;
    for (const place of document.querySelectorAll("[data-made], [data-last]")) {
      place.textContent = "(" + ago(now - Date.parse(place.dataset.made || place.dataset.last) / 1000) + ")";
    }
    for (const place of document.querySelectorAll("[data-due]")) {
      const late = now - Date.parse(place.dataset.due) / 1000;
      place.hidden = late < Number(place.dataset.grace);
      if (!place.hidden) place.textContent = place.dataset.words.replace("{ago}", ago(late));
    }
  }
  tell();
  setInterval(tell, 60000);

  // On a phone a table of days begins with its newest ones.
  for (const place of document.querySelectorAll("[data-newest]")) place.scrollLeft = place.scrollWidth;

  for (const field of document.querySelectorAll("input[data-filters]")) {
    const rows = document.querySelectorAll(field.dataset.filters);
    const none = document.querySelector(field.dataset.none);
    field.addEventListener("input", () => {
      const text = field.value.trim().toLowerCase();
      let shown = 0;
      for (const row of rows) {
        row.hidden = !row.textContent.toLowerCase().includes(text);
        shown += row.hidden ? 0 : 1;
      }
      if (none) none.hidden = shown > 0;
    });
  }
})();
