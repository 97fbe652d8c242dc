/* Starts the parts of the console; every page works without any of them. */

import "./menus.js";
import "./dialogs.js";
import "./keys.js";
import "./live.js";
import "./times.js";
import "./rows.js";
import "./shell.js";
import "./commands.js";
import "./palette.js";
