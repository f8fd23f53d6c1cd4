/** The pages of Django admin: finds what there is to improve and hands it to the module that can. */
import { labelCells } from "./labels.js";
import { showInLocalTime } from "./times.js";
import { unfoldWhenWide } from "./unfold.js";

showInLocalTime(document.querySelectorAll("time[datetime]"));
document.querySelector("#sections [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
document.querySelectorAll("#result_list").forEach(labelCells);
document.querySelectorAll("#filters").forEach((details) => unfoldWhenWide(details));
