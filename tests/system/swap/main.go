// swap: load on a registry while its certificate is swapped, by clients that repeat nothing.
//
//	swap URL REPOSITORY DIGEST REST
//
// It asks over HTTP/1.1 connections that are kept, new, or idle for most of the time, pushes over kept ones, and does
// both over HTTP/2. A connection of HTTP/1.1 that the server has said it closes, or has closed before a request was
// begun, is opened anew; whatever fails after that counts. HTTP/2 is Go's own client: it asks again only what the
// server says (GOAWAY) that it has not looked at. Active clients rest for REST between two requests.
//
// For each line of its standard input it prints what it has done so far, as a line of JSON; at the end of input it
// stops, and prints that once more.
package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	connectionsOfAKind = 4
	idleRest           = 1500 * time.Millisecond // and up to twice as long: less than the drain
	uploadBytes        = 30_000
	longUploadPieces   = 8 // of a body that is sent with pauses
	replyTime          = 60 * time.Second
	maxErrors          = 20
)

type tally struct {
	sync.Mutex
	Requests map[string]int
	Failed   map[string]int
	Errors   []string
	Dials    int
}

func (t *tally) count(kind string, err error) {
	t.Lock()
	defer t.Unlock()
	t.Requests[kind]++
	if err == nil {
		return
	}
	t.Failed[kind]++
	if len(t.Errors) < maxErrors {
		t.Errors = append(t.Errors, time.Now().UTC().Format("15:04:05.000 ")+kind+": "+err.Error())
	}
}

func (t *tally) print() {
	t.Lock()
	defer t.Unlock()
	json.NewEncoder(os.Stdout).Encode(t)
}

// A connection of HTTP/1.1 that is opened when there is none.
type client struct {
	target *url.URL
	done   *tally
	raw    net.Conn
	conn   net.Conn
	reader *bufio.Reader
}

func (c *client) close() {
	if c.conn != nil {
		c.conn.Close()
	}
	c.conn = nil
}

// Whether the server has closed the connection, or sent what nobody asked for (close_notify).
func (c *client) hasEnded() bool {
	syscallConn, err := c.raw.(*net.TCPConn).SyscallConn()
	if err != nil {
		return true
	}
	ended := false
	syscallConn.Control(func(fd uintptr) { ended = readable(int(fd)) })
	return ended
}

func (c *client) open() error {
	if c.conn != nil && c.hasEnded() {
		c.close()
	}
	if c.conn != nil {
		return nil
	}
	var err error
	if c.raw, err = net.DialTimeout("tcp", c.target.Host, replyTime); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	c.done.Lock()
	c.done.Dials++
	c.done.Unlock()
	c.conn = c.raw
	if c.target.Scheme == "https" {
		secure := tls.Client(c.raw, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
		if err = secure.Handshake(); err != nil {
			c.close()
			return fmt.Errorf("handshake: %w", err)
		}
		c.conn = secure
	}
	c.reader = bufio.NewReader(c.conn)
	return nil
}

func (c *client) ask(method, path string, body []byte, pause time.Duration) (*http.Response, []byte, error) {
	if err := c.open(); err != nil {
		return nil, nil, err
	}
	response, text, err := c.askOnce(method, path, body, pause)
	if err != nil || response.Close {
		c.close()
	}
	return response, text, err
}

func (c *client) askOnce(method, path string, body []byte, pause time.Duration) (*http.Response, []byte, error) {
	c.conn.SetDeadline(time.Now().Add(replyTime))
	head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\n", method, path, c.target.Host)
	if body != nil || method == "POST" {
		head += "Content-Type: application/octet-stream\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n"
	}
	message := append([]byte(head+"\r\n"), body...)
	pieces := 1
	if pause > 0 {
		pieces = longUploadPieces
	}
	for i := 0; i < pieces; i++ {
		if _, err := c.conn.Write(message[i*len(message)/pieces : (i+1)*len(message)/pieces]); err != nil {
			return nil, nil, fmt.Errorf("%s: write: %w", method, err)
		}
		time.Sleep(pause / longUploadPieces)
	}
	response, err := http.ReadResponse(c.reader, &http.Request{Method: method})
	if err != nil {
		return nil, nil, fmt.Errorf("%s: read: %w", method, err)
	}
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: read the body: %w", method, err)
	}
	return response, text, nil
}

func expect(response *http.Response, text []byte, err error, status int) error {
	if err == nil && response.StatusCode != status {
		err = fmt.Errorf("%s: %s", response.Status, text)
	}
	return err
}

// POST and PUT, each counted. ask sends a request and reads its reply.
func push(done *tally, kind, uploads string, pause time.Duration,
	ask func(method, path string, body []byte, pause time.Duration) (*http.Response, []byte, error)) {
	data := make([]byte, uploadBytes)
	rand.Read(data)
	response, text, err := ask("POST", uploads, nil, 0)
	err = expect(response, text, err, http.StatusAccepted)
	done.count(kind, err)
	if err != nil {
		return
	}
	location, err := url.Parse(response.Header.Get("Location"))
	if err != nil {
		done.count(kind, err)
		return
	}
	put := location.RequestURI() + fmt.Sprintf("&digest=sha256:%x", sha256.Sum256(data))
	response, text, err = ask("PUT", put, data, pause)
	done.count(kind, expect(response, text, err, http.StatusCreated))
}

type load struct {
	target               *url.URL
	blob, manifest, push string
	digest               string
	rest                 time.Duration // of the active ones, between two requests
	done                 *tally
	stop                 chan struct{}
	running              sync.WaitGroup
}

func (l *load) repeat(round func(number int)) {
	l.running.Add(1)
	go func() {
		defer l.running.Done()
		for number := 0; ; number++ {
			select {
			case <-l.stop:
				return
			default:
				round(number)
			}
		}
	}()
}

func (l *load) check(response *http.Response, text []byte, err error) error {
	err = expect(response, text, err, http.StatusOK)
	if err == nil && strings.Contains(response.Header.Get("Docker-Content-Digest"), l.digest) &&
		fmt.Sprintf("sha256:%x", sha256.Sum256(text)) != l.digest {
		err = fmt.Errorf("not the blob: %d bytes", len(text))
	}
	return err
}

func (l *load) get(c *client, kind string, number int) {
	method, path := "GET", l.blob
	if number%3 == 1 {
		path = l.manifest
	}
	if number%3 == 2 {
		response, text, err := c.ask("HEAD", l.manifest, nil, 0)
		l.done.count(kind, expect(response, text, err, http.StatusOK))
		return
	}
	response, text, err := c.ask(method, path, nil, 0)
	l.done.count(kind, l.check(response, text, err))
}

func (l *load) http2() {
	if l.target.Scheme != "https" {
		return
	}
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	one := func(method, path string, body []byte, _ time.Duration) (*http.Response, []byte, error) {
		ctx, cancel := context.WithTimeout(context.Background(), replyTime)
		defer cancel()
		var reader io.Reader
		if body != nil {
			reader = bytes.NewReader(body)
		}
		request, err := http.NewRequestWithContext(ctx, method, l.target.Scheme+"://"+l.target.Host+path, reader)
		if err != nil {
			return nil, nil, err
		}
		request.ContentLength = int64(len(body))
		response, err := transport.RoundTrip(request)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", method, err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err == nil && response.ProtoMajor != 2 {
			err = fmt.Errorf("not HTTP/2 but %s", response.Proto)
		}
		return response, text, err
	}
	for i := 0; i < connectionsOfAKind; i++ {
		l.repeat(func(int) {
			response, text, err := one("GET", l.blob, nil, 0)
			l.done.count("HTTP/2", l.check(response, text, err))
			time.Sleep(l.rest)
		})
	}
	l.repeat(func(int) { push(l.done, "HTTP/2 uploads", l.push, 0, one); time.Sleep(l.rest) })
}

func main() {
	target, err := url.Parse(os.Args[1])
	if err != nil {
		panic(err)
	}
	rest, err := time.ParseDuration(os.Args[4])
	if err != nil {
		panic(err)
	}
	repository := os.Args[2]
	l := &load{target: target, digest: os.Args[3], rest: rest, stop: make(chan struct{}),
		blob: "/v2/" + repository + "/blobs/" + os.Args[3], manifest: "/v2/" + repository + "/manifests/v1",
		push: "/v2/" + repository + "/blobs/uploads/",
		done: &tally{Requests: map[string]int{}, Failed: map[string]int{}, Errors: []string{}}}
	for i := 0; i < connectionsOfAKind; i++ {
		kept, idle, pushing, fresh := l.client(), l.client(), l.client(), l.client()
		l.repeat(func(number int) { l.get(kept, "kept", number); time.Sleep(rest) })
		l.repeat(func(number int) {
			l.get(idle, "idle", number)
			time.Sleep(idleRest + time.Duration(number%8)*idleRest/8)
		})
		l.repeat(func(int) { push(l.done, "uploads", l.push, 0, pushing.ask); time.Sleep(rest) })
		l.repeat(func(number int) { l.get(fresh, "new", number); fresh.close(); time.Sleep(rest) })
	}
	slow := l.client()
	l.repeat(func(int) { push(l.done, "slow uploads", l.push, time.Second, slow.ask) })
	l.http2()
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		l.done.print()
	}
	close(l.stop)
	l.running.Wait()
	l.done.print()
}

func (l *load) client() *client { return &client{target: l.target, done: l.done} }
