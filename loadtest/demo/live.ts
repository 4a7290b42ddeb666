// The live screen: a scene that everything told is written into, drawn a few times a second.
import { styleText } from 'node:util';
import { describeEvent } from '../../infra/native/supervisor.ts';
import { frame, type Paint } from './frame.ts';
import { progressLine } from './plain.ts';
import { type ActScene, afterEvent, type Scene } from './scene.ts';
import { createSay, type Show, type ShowOptions } from './show.ts';
import { openTerminal } from './terminal.ts';

const DRAW_EVERY_MS = 250;

export function liveShow({ title, acts, out }: ShowOptions): Show {
  const scene: Scene = {
    title,
    stage: '',
    elapsedMs: 0,
    acts: acts.map((act): ActScene => ({ ...act, state: 'to come', samples: [], marks: [], beganAt: 0 })),
    services: new Map(),
    journal: [],
  };
  // Asks the stream and the environment (NO_COLOR) whether there are colours.
  const paint: Paint = (style, text) => styleText(style, text, { stream: out });
  const began = performance.now();
  const terminal = openTerminal(out, draw);
  const timer = setInterval(draw, DRAW_EVERY_MS);
  let ended = false;
  const say = createSay((line) => (ended ? out.write(`${line}\n`) : scene.journal.push(line)));

  draw();
  function draw() {
    scene.elapsedMs = performance.now() - began;
    terminal.draw(frame(scene, terminal.size(), paint));
  }
  return {
    say,
    stage(text) {
      scene.stage = text.replace(/ {2,}/, ': ');
      say(text);
    },
    begin(name) {
      const act = scene.acts.find((one) => one.name === name) as ActScene;
      Object.assign(act, { state: 'running', beganAt: performance.now() });
      return (sample, last) => {
        act.samples.push(sample);
        if (!last) return;
        act.state = 'done';
        say(progressLine(act, sample));
      };
    },
    mark(text) {
      const act = scene.acts.find(({ state }) => state === 'running');
      act?.marks.push({ atMs: performance.now() - act.beganAt, text });
    },
    service(event) {
      scene.services.set(event.service, afterEvent(scene.services.get(event.service), event));
      const line = describeEvent(event);
      if (line) say(line);
    },
    end() {
      if (ended) return;
      ended = true;
      clearInterval(timer);
      terminal.close();
      // What was on the screen that is gone now.
      out.write(`${scene.journal.join('\n')}\n`);
    },
  };
}
