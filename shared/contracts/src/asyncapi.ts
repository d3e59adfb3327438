import { z } from 'zod';

type EventSchema = z.ZodType & { readonly shape: { readonly type: { readonly value: string } } };

/**
 * The AsyncAPI 3.0 document of a producer, made from its schemas: one channel, and one message for each type of event, with
 * its example.
 */
export function asyncApiDocument({
  title,
  channel,
  description,
  events,
  examples,
}: {
  title: string;
  channel: string;
  description: string;
  events: readonly EventSchema[];
  examples: Readonly<Record<string, unknown>>;
}): Record<string, unknown> {
  const messages = Object.fromEntries(
    events.map((event) => {
      const type = event.shape.type.value;
      return [
        type,
        {
          name: type,
          contentType: 'application/cloudevents+json',
          payload: z.toJSONSchema(event, { io: 'input' }),
          examples: [{ payload: examples[type] }],
        },
      ];
    }),
  );
  const reference = (name: string) => ({ $ref: `#/channels/events/messages/${name}` });
  return {
    asyncapi: '3.0.0',
    info: { title, version: '1.0.0', description, license: { name: 'MIT' } },
    defaultContentType: 'application/cloudevents+json',
    channels: { events: { address: channel, messages } },
    operations: {
      publish: {
        action: 'send',
        channel: { $ref: '#/channels/events' },
        messages: Object.keys(messages).map(reference),
      },
    },
  };
}
