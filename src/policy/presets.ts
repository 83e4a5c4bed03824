import type { Expectation } from "../model/profile.ts";
import type { TopicTest } from "../model/proof.ts";

/** Stands for any job's id where a device publishes: ids are made when a job is. */
const ANY_JOB = "fleet-smoke-job";

/**
 * What a thing has to be allowed to do to receive jobs or to keep its shadow, over AWS's reserved topics
 * (DG reserved-topics, jobs-mqtt-api, device-shadow-mqtt). Only ever predicted: these topics are not touched.
 * Job ids are not known beforehand, so answers about a job are subscribed to with `+`.
 */
export function presetTests(preset: Expectation["preset"], thing: string): readonly TopicTest[] {
  switch (preset) {
    case null:
      return [];
    case "iot-jobs":
      return jobs(`$aws/things/${thing}/jobs`);
    case "shadow":
      return shadow(`$aws/things/${thing}/shadow`);
  }
}

function jobs(root: string): readonly TopicTest[] {
  return [
    ...["notify", "notify-next"].flatMap((each) => heard(`${root}/${each}`)),
    ...["get", "start-next"].flatMap((each) => [
      publish(`${root}/${each}`),
      ...answers(`${root}/${each}`, `${root}/${each}`),
    ]),
    ...["get", "update"].flatMap((each) => [
      publish(`${root}/${ANY_JOB}/${each}`),
      ...answers(`${root}/${ANY_JOB}/${each}`, `${root}/+/${each}`),
    ]),
  ];
}

function shadow(root: string): readonly TopicTest[] {
  return [
    ...["get", "update", "delete"].flatMap((each) => [
      publish(`${root}/${each}`),
      ...answers(`${root}/${each}`, `${root}/${each}`),
    ]),
    ...heard(`${root}/update/delta`),
    ...heard(`${root}/update/documents`),
  ];
}

/** Both answers to a request: the topics they come on, and the filters that lead there. */
function answers(topic: string, filter: string): readonly TopicTest[] {
  return ["accepted", "rejected"].flatMap((each) => heard(`${topic}/${each}`, `${filter}/${each}`));
}

function heard(topic: string, filter = topic): readonly TopicTest[] {
  return [
    { action: "subscribe", topic: filter, expected: "allow" },
    { action: "receive", topic, expected: "allow", filter },
  ];
}

function publish(topic: string): TopicTest {
  return { action: "publish", topic, expected: "allow" };
}
