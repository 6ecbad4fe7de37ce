// SPDX-License-Identifier: Apache-2.0

extension StatusPage {
    /// Changes the cells to what the server sends (`events`): only what differs, so that the reader's selection, focus
    /// and scrolling stay, and what was opened stays open.
    package static let script = """
        "use strict";
        const cells = document.getElementById("cells");
        const connection = document.getElementById("connection");
        const map = document.querySelector(".sp-map img");
        const renew = (shown, fresh) => {
          if (shown.isEqualNode(fresh)) return;
          if (shown.nodeType === Node.TEXT_NODE) {
            shown.data = fresh.data;
            return;
          }
          if (shown.className !== fresh.className) shown.className = fresh.className;
          const pairs = Array.from(shown.childNodes, (child, index) => [child, fresh.childNodes[index]]);
          const isAlike = shown.childNodes.length === fresh.childNodes.length
            && pairs.every(([one, other]) => one.nodeName === other.nodeName && one.id === other.id);
          if (isAlike) for (const [one, other] of pairs) renew(one, other);
          else shown.replaceChildren(...fresh.childNodes);
        };
        let events;
        let heard;
        const hear = () => {
          heard = Date.now();
          connection.textContent = "live";
        };
        const connect = () => {
          events?.close();
          heard = Date.now();
          events = new EventSource("events");
          events.addEventListener("cells", event => {
            const open = new Set(Array.from(cells.querySelectorAll("details[open]"), details => details.id));
            const fresh = cells.cloneNode(false);
            fresh.innerHTML = event.data;
            renew(cells, fresh);
            for (const details of cells.querySelectorAll("details")) details.open = open.has(details.id);
            hear();
          });
          events.addEventListener("map", () => { map.src = `map.svg?${Date.now()}`; });
          events.addEventListener("quiet", hear);
          events.addEventListener("error", () => { connection.textContent = "not connected; trying again"; });
        };
        connect();
        // A connection may be gone without an end: one on which nothing happens is heard of every 15 s as well.
        setInterval(() => {
          if (Date.now() - heard < 40000) return;
          connection.textContent = "not connected; trying again";
          connect();
        }, 2000);

        """

    /// In addition to that of a report.
    static let styleSheet = """
        body { max-width: 128rem; }
        .sp-cells { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(20rem, 100%), 1fr)); gap: 1rem;
          align-items: start; margin: 1rem 0; }
        .sp-cell { padding: 0.75rem 1rem; background: var(--rp-box); border-left: 4px solid var(--rp-line);
          border-radius: 4px; min-width: 0; }
        .sp-cell h3 { margin: 0; } .sp-cell pre { background: var(--rp-paper); max-height: 20rem; }
        .sp-cell time { color: inherit; white-space: nowrap; margin: 0; }
        .sp-condition { margin: 0; font-weight: 600; }
        .sp-cell.rp-well { border-color: var(--rp-well); } .rp-well .sp-condition { color: var(--rp-well); }
        .sp-cell.rp-bad { border-color: var(--rp-bad); } .rp-bad .sp-condition { color: var(--rp-bad); }
        .sp-changing { border-color: var(--rp-other); } .sp-changing .sp-condition { color: var(--rp-other); }
        .sp-rest .sp-condition { color: var(--rp-faint); }
        .sp-cell .rp-properties th, .sp-cell .rp-properties td { display: table-cell; padding-bottom: 0.15rem; }
        .sp-cell .rp-properties th { padding-right: 0.6rem; }
        .sp-map { overflow-x: auto; } .sp-map img { display: block; }

        """
}
