import { render } from "preact";

render(<p>Pirouette</p>, document.getElementById("page")!);
