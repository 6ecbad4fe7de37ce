// SPDX-License-Identifier: Apache-2.0

extension StatusPage {
    /// Replaces the cells with what the server sends (`events`), and keeps open what the reader has opened.
    package static let script = """
        "use strict";
        const cells = document.getElementById("cells");
        const connection = document.getElementById("connection");
        const events = new EventSource("events");
        events.addEventListener("cells", event => {
          const open = new Set(Array.from(cells.querySelectorAll("details[open]"), details => details.id));
          cells.innerHTML = event.data;
          for (const details of cells.querySelectorAll("details")) details.open = open.has(details.id);
          connection.textContent = "live";
        });
        events.addEventListener("error", () => {
          connection.textContent = events.readyState === EventSource.CLOSED
            ? "not connected: reload the page" : "not connected; trying again";
        });

        """

    /// In addition to that of a report.
    static let styleSheet = """
        .sp-cells { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(20rem, 100%), 1fr)); gap: 1rem;
          align-items: start; margin: 1rem 0; }
        .sp-cell { padding: 0.75rem 1rem; background: var(--rp-box); border-left: 4px solid var(--rp-line);
          border-radius: 4px; min-width: 0; }
        .sp-cell h3 { margin: 0; } .sp-cell pre { background: var(--rp-paper); max-height: 20rem; }
        .sp-condition { margin: 0; font-weight: 600; }
        .sp-cell.rp-well { border-color: var(--rp-well); } .rp-well .sp-condition { color: var(--rp-well); }
        .sp-cell.rp-bad { border-color: var(--rp-bad); } .rp-bad .sp-condition { color: var(--rp-bad); }
        .sp-changing { border-color: var(--rp-other); } .sp-changing .sp-condition { color: var(--rp-other); }
        .sp-rest .sp-condition { color: var(--rp-faint); }
        .sp-cell .rp-properties th, .sp-cell .rp-properties td { display: table-cell; padding-bottom: 0.15rem; }
        .sp-map { overflow-x: auto; } .sp-map img { max-width: 100%; min-width: 44rem; height: auto; }

        """
}
