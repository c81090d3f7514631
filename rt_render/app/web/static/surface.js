/** A canvas that keeps the size of its place, sharp on any screen. */

export class Surface {
  #canvas;
  #context;

  constructor(canvas) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d");
  }

  /** Clear; returns the context in CSS pixels, with its width and height. */
  begin() {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const dots = Math.min(2.5, devicePixelRatio);
    const [w, h] = [Math.round(width * dots), Math.round(height * dots)];
    if (this.#canvas.width !== w || this.#canvas.height !== h) Object.assign(this.#canvas, { width: w, height: h });
    this.#context.setTransform(dots, 0, 0, dots, 0, 0);
    this.#context.clearRect(0, 0, width, height);
    return { context: this.#context, width, height };
  }
}
