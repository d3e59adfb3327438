// A server that speaks MongoDB's protocol and keeps its data in SQLite's files.
//
//	ferretdb <host:port> <folder>
//
// It prints its URL when it listens. It ends in order when it is told to (SIGTERM, SIGINT) and when its standard input
// ends, as that does when the process that started it is gone.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/url"
	"os"
	"os/signal"
	"syscall"

	"github.com/FerretDB/FerretDB/ferretdb"
)

func main() {
	// What was committed survives the process, not the machine: no disk is waited for.
	files := url.URL{Scheme: "file", OmitHost: true, Path: os.Args[2] + "/", RawQuery: "_pragma=synchronous(normal)"}
	server, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{TCP: os.Args[1]},
		Logger:    slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		Handler:   "sqlite",
		SQLiteURL: files.String(),
	})
	if err != nil {
		log.Fatal(err)
	}
	running, end := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	go func() {
		fmt.Println(server.MongoDBURI())
		_, _ = io.Copy(io.Discard, os.Stdin)
		end()
	}()
	if err := server.Run(running); err != nil {
		log.Fatal(err)
	}
}
