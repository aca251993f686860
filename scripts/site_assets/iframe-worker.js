/* A page that was opened from a folder may start no worker, which the search is. There an iframe
   takes its place: it runs the same script, and passes messages on. The theme would fetch such a
   stand-in from elsewhere; this one is the site's own. */
"use strict";

if (location.protocol === "file:") {
  class FrameWorker extends EventTarget {
    constructor(address) {
      super();
      this.onmessage = null;
      this.waiting = [];
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      this.frame.src = "about:blank";
      document.body.append(this.frame);
      this.begin(new URL(address, document.baseURI).href);
    }

    begin(address) {
      const inside = this.frame.contentWindow;
      inside.postMessage = (data) => setTimeout(() => this.pass(data));
      const page = this.frame.contentDocument;
      const load = (path) =>
        new Promise((resolve, reject) => {
          const script = page.createElement("script");
          script.src = new URL(path, address).href;
          script.onload = resolve;
          script.onerror = reject;
          page.body.append(script);
        });
      inside.importScripts = (...paths) =>
        paths.reduce((before, path) => before.then(() => load(path)), Promise.resolve());
      load(address).then(() => {
        this.ready = true;
        this.waiting.splice(0).forEach((data) => this.deliver(data));
      });
    }

    pass(data) {
      const event = new MessageEvent("message", { data });
      this.dispatchEvent(event);
      if (this.onmessage) this.onmessage(event);
    }

    deliver(data) {
      this.frame.contentWindow.dispatchEvent(new MessageEvent("message", { data }));
    }

    postMessage(data) {
      if (this.ready) this.deliver(data);
      else this.waiting.push(data);
    }

    terminate() {
      this.frame.remove();
    }
  }

  window.Worker = FrameWorker;
}
