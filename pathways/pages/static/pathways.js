// Switches on what GOV.UK Frontend adds with JavaScript. Every page works without it.
import { initAll } from "./govuk-frontend-6.3.0.min.js";

document.body.classList.add("js-enabled");
if ("noModule" in HTMLScriptElement.prototype) document.body.classList.add("govuk-frontend-supported");
initAll();
