/** Stands in for `react-devtools-core`, which Ink imports only under DEV=true and which we do not ship. */
export default {initialize(): void {}, connectToDevTools(): void {}};
