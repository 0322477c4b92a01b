import { render } from "preact";
import { App } from "./app";
import { start_live } from "./live";
import "./style.css";

const page = document.getElementById("page");
if (page) {
  start_live();
  render(<App />, page);
}
